/** One plane of a picture: the canvas that ffmpeg writes, and the part of it that is kept. */
export type PlaneWindow = {
  /** Where the kept part goes, tightly packed. */
  readonly target: Uint8Array;
  /** Bytes of a canvas row. */
  readonly strideBytes: number;
  readonly canvasRows: number;
  /** Bytes kept of each of the first `rows` rows. */
  readonly rowBytes: number;
  readonly rows: number;
};

/** Memory that takes a picture as it comes, without a canvas. */
export function allOf(target: Uint8Array): PlaneWindow {
  const bytes = target.length;
  return { target, strideBytes: bytes, canvasRows: 1, rowBytes: bytes, rows: 1 };
}

/**
 * Cuts a stream of raw pictures out of pipe reads of any size, straight into their planes: nothing is
 * concatenated or allocated per read.
 */
export class PictureReader {
  #planes: readonly PlaneWindow[] = [];
  #plane = 0;
  #offset = 0;

  /** A picture was begun and is not complete. */
  get busy(): boolean {
    return this.#plane < this.#planes.length;
  }

  /** Begins a picture; only where none is under way. */
  begin(planes: readonly PlaneWindow[]): void {
    this.#planes = planes;
    this.#plane = 0;
    this.#offset = 0;
  }

  /** Takes bytes from `start` on; returns how far it got, at most to the picture's end. */
  push(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length && this.#plane < this.#planes.length) {
      const plane = this.#planes[this.#plane] as PlaneWindow;
      const planeBytes = plane.strideBytes * plane.canvasRows;
      const taken = Math.min(bytes.length - at, planeBytes - this.#offset);
      copyWindow(plane, this.#offset, bytes.subarray(at, at + taken));
      at += taken;
      this.#offset += taken;
      if (this.#offset === planeBytes) {
        this.#plane++;
        this.#offset = 0;
      }
    }
    return at;
  }
}

function copyWindow(plane: PlaneWindow, offset: number, bytes: Uint8Array): void {
  const { target, strideBytes, rowBytes, rows } = plane;
  let row = Math.floor(offset / strideBytes);
  let column = offset - row * strideBytes;
  let at = 0;
  while (at < bytes.length && row < rows) {
    const inRow = Math.min(strideBytes - column, bytes.length - at);
    const kept = Math.min(inRow, rowBytes - column);
    if (kept > 0) target.set(bytes.subarray(at, at + kept), row * rowBytes + column);
    at += inRow;
    column = 0;
    row++;
  }
}
