/** Access units that may wait in the decoder and its pipe behind those that it keeps. */
const maxWaitingUnits = 6;

/**
 * Access units that the decoder was given and has made no picture of. Its pipe takes 200 kB, a second or
 * more of a camera: what is in there grows old where nobody sees it, and cannot be skipped any more. So a
 * live stream hands over no more than keeps the decoder busy.
 *
 * How many units a decoder keeps (B-frames wait for the frames they lean on; damage makes no picture at
 * all) is found out: where it makes no picture of what it has, more is allowed until it does.
 */
export class DecoderBacklog {
  #given = 0;
  #pictures = 0;
  #kept = 0;

  /** Units that were handed over. */
  get given(): number {
    return this.#given;
  }

  /** As many units wait as may. */
  get isFull(): boolean {
    return this.#given - this.#pictures - this.#kept >= maxWaitingUnits;
  }

  /** An access unit is handed over. */
  give(): void {
    this.#given++;
  }

  /** @param pictures so many have come in all */
  onPicture(pictures: number): void {
    this.#pictures = pictures;
    this.#kept = Math.min(this.#kept, this.#given - pictures);
  }

  /** No picture came for long, though it is full: twice as many may be what the decoder keeps. */
  allowMore(): void {
    this.#kept = Math.max(1, 2 * this.#kept);
  }
}
