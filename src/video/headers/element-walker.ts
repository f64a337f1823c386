/** One element of a container, as its header promises it. */
export type Element = {
  /** Bytes after the header that belong to it; Infinity where it runs to the end of the stream. */
  readonly bodyBytes: number;
  /** What the format calls it. */
  readonly type: string;
};

/** Reads a header; null while it is not complete. Must use up all of `header` when it is. */
export type ReadElement = (header: Uint8Array) => Element | null;

/** Longest header of the formats that are walked: that of IVF. */
const maxHeaderBytes = 32;

/** So many elements may be of any size. */
const fewElements = 4096;

/** More are this large on average, header and body: in video they are frames, and each costs us time. */
const leastMeanBytes = 16;

/** Follows the elements of a container as its bytes go by, without keeping them. */
export class ElementWalker {
  readonly #readElement: ReadElement;
  readonly #onElement: (type: string) => void;
  readonly #header = new Uint8Array(maxHeaderBytes);
  #headerBytes = 0;
  #bodyBytes = 0;
  #elements = 0;
  #takenBytes = 0;
  #lost = false;

  constructor(readElement: ReadElement, onElement: (type: string) => void = () => undefined) {
    this.#readElement = readElement;
    this.#onElement = onElement;
  }

  /** The bytes so far end within an element: more was promised. */
  get unfinished(): boolean {
    if (this.#lost) return false;
    return this.#headerBytes > 0 || (this.#bodyBytes > 0 && this.#bodyBytes !== Infinity);
  }

  /** Takes the next bytes. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#lost;) {
      if (this.#bodyBytes > 0) {
        const skipped = Math.min(this.#bodyBytes, bytes.length - at);
        this.#bodyBytes -= skipped;
        at += skipped;
        continue;
      }
      this.#header[this.#headerBytes++] = bytes[at++] as number;
      const element = this.#readElement(this.#header.subarray(0, this.#headerBytes));
      if (element !== null) {
        this.#headerBytes = 0;
        this.#bodyBytes = element.bodyBytes;
        this.#onElement(element.type);
        this.#elements++;
        // Made to keep the thread busy that all streams share: nothing is said of its end.
        const bytesPassed = this.#takenBytes + at;
        this.#lost ||=
          this.#elements > fewElements && bytesPassed < this.#elements * leastMeanBytes;
      } else if (this.#headerBytes === maxHeaderBytes) {
        // Not that format, or damaged: nothing can be said of its end.
        this.#lost = true;
      }
    }
    this.#takenBytes += bytes.length;
  }
}
