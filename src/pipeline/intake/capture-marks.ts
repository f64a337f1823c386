/** Marks that are kept for frames that have not come out yet. */
const maxMarks = 1024;

/** Marks that are kept behind the newest frame: as many pictures as any codec puts out of order. */
const maxReordered = 16;

type Mark = { readonly position: number; readonly timestampUs: number; taken: boolean };

/**
 * The capture times that a sender gave to its access units, by the byte at which each begins. A frame
 * finds its own by the byte at which it begins itself, so that units which are skipped, damaged or come
 * before the first random access point shift nothing, and frames may come in another order.
 */
export class CaptureMarks {
  #marks: Mark[] = [];
  #bytes = 0;
  #nextUnitBytes = 0;

  /**
   * Notes the next chunk; `timestampUs` is null where it does not begin an access unit. Its last
   * `nextUnitBytes` bytes begin the next unit already, as a delimiter does.
   */
  add(chunkBytes: number, timestampUs: number | null, nextUnitBytes = 0): void {
    if (timestampUs !== null) {
      const position = this.#bytes - this.#nextUnitBytes;
      this.#marks.push({ position, timestampUs, taken: false });
      if (this.#marks.length > maxMarks) this.#marks.shift();
    }
    this.#bytes += chunkBytes;
    this.#nextUnitBytes = nextUnitBytes;
  }

  /**
   * The capture time of the frame whose access unit begins at byte `position`; null where its sender
   * did not say, and for further frames of one chunk. A frame without a position (null) takes the next.
   */
  take(position: number | null): number | null {
    const index =
      position === null
        ? this.#marks.findIndex(({ taken }) => !taken)
        : this.#marks.findLastIndex((mark) => mark.position <= position);
    const mark = this.#marks[index];
    if (mark === undefined) return null;
    if (index > maxReordered) this.#marks.splice(0, index - maxReordered);
    if (mark.taken) return null;
    mark.taken = true;
    return mark.timestampUs;
  }
}
