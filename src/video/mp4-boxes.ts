/** Follows the top-level boxes of an MP4 (ISO/IEC 14496-12, 4.2) as its bytes go by. */
export class Mp4BoxWalker {
  readonly #header = new Uint8Array(16);
  #headerBytes = 0;
  #bodyBytes = 0;
  #order: 'unknown' | 'header-first' | 'media-first' = 'unknown';

  /**
   * `header-first` where the sample tables come before the media, so that it can be decoded from a
   * pipe; `media-first` where they come at the end; `unknown` until one of the two went by.
   */
  get order(): 'unknown' | 'header-first' | 'media-first' {
    return this.#order;
  }

  /** The bytes so far end within a box: more was promised. A last box may run to the end (size 0). */
  get unfinished(): boolean {
    return this.#headerBytes > 0 || (this.#bodyBytes > 0 && this.#bodyBytes !== Infinity);
  }

  /** Takes the next bytes. */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#bodyBytes > 0) {
        const skipped = Math.min(this.#bodyBytes, bytes.length - at);
        this.#bodyBytes -= skipped;
        at += skipped;
      } else {
        this.#header[this.#headerBytes++] = bytes[at++] as number;
        this.#readHeader();
      }
    }
  }

  #readHeader(): void {
    if (this.#headerBytes < 8) return;
    const view = new DataView(this.#header.buffer);
    const size = view.getUint32(0);
    if (size === 1 && this.#headerBytes < 16) return;
    const total = size === 1 ? Number(view.getBigUint64(8)) : size;
    this.#bodyBytes = size === 0 ? Infinity : Math.max(0, total - this.#headerBytes);
    this.#headerBytes = 0;
    const type = String.fromCodePoint(...this.#header.subarray(4, 8));
    if (this.#order !== 'unknown') return;
    if (type === 'moov' || type === 'moof') this.#order = 'header-first';
    if (type === 'mdat') this.#order = 'media-first';
  }
}
