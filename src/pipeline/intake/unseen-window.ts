/**
 * Holds the next frame back while as many as agreed were answered and not seen: what a user looks at
 * must still be held when a correction of it comes. Flow control by credit, in frames, as HTTP/2 has
 * it in bytes (RFC 9113, 5.2).
 */
export class UnseenWindow {
  #maxFrames: number;
  #seen = -1;
  #newest = -1;
  #waiting: (() => void) | null = null;

  /** @param maxFrames infinite: nothing is ever held back */
  constructor(maxFrames: number) {
    this.#maxFrames = maxFrames;
  }

  /** A frame was answered. */
  answered(frameIndex: number): void {
    this.#newest = Math.max(this.#newest, frameIndex);
  }

  /** The user saw this frame; an earlier one than before changes nothing. */
  seen(frameIndex: number): void {
    this.#seen = Math.max(this.#seen, frameIndex);
    this.#look();
  }

  /** Nobody will tell any more what was seen: nothing is held back from now on. */
  lift(): void {
    this.#maxFrames = Number.POSITIVE_INFINITY;
    this.#look();
  }

  /** Calls `go` once, as soon as another frame may be answered; the newest caller is the one. */
  whenOpen(go: () => void): void {
    this.#waiting = go;
    this.#look();
  }

  #look(): void {
    if (this.#newest - this.#seen >= this.#maxFrames) return;
    const go = this.#waiting;
    this.#waiting = null;
    go?.();
  }
}
