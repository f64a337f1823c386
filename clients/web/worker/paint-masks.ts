import { forEachRun } from '../../core/run-lengths.ts';
import type { Box, Size } from '../../../src/frame/geometry.ts';
import type { ViewMode } from '../summaries.ts';

/** A mask as it came: COCO's compressed run lengths over the columns. */
export type RunLengths = { readonly size: Size; readonly counts: Uint8Array };

/** One object to paint. */
export type PaintedObject = {
  readonly objectId: number;
  readonly mask: RunLengths | null;
};

/** Colours that stay apart for most colour-blind eyes (Okabe and Ito), brightened for video. */
const colours = [
  [86, 180, 233],
  [255, 165, 30],
  [0, 200, 140],
  [240, 228, 66],
  [230, 120, 190],
  [255, 110, 60],
  [120, 140, 255],
  [190, 190, 190],
] as const;

/** Colour of an object, by its id. */
export function objectColour(objectId: number): readonly [number, number, number] {
  return colours[(objectId - 1) % colours.length]!;
}

/** Opacity of a mask's inside, so that what is followed stays to be seen; its edge is opaque. */
const insideAlpha = 96;

/** A part of the picture; half-open, empty where `left` is not less than `right`. */
type Region = {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
};

const nowhere: Region = { left: Infinity, top: Infinity, right: 0, bottom: 0 };

/**
 * Paints masks into pixels of the picture's size. They are reused from frame to frame, and only the
 * part where masks are or were is touched: that is what makes it cheap.
 */
export class MaskPainter {
  readonly size: Size;
  /** RGBA. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  readonly #colours: Uint32Array;
  readonly #labels: Uint16Array;
  /** Where labels are. */
  #region = nowhere;
  #mode: ViewMode | null = null;

  constructor({ width, height }: Size) {
    // A copy: a picture that is closed has no size any more.
    this.size = { width, height };
    this.pixels = new Uint8ClampedArray(width * height * 4);
    this.#colours = new Uint32Array(this.pixels.buffer);
    this.#labels = new Uint16Array(width * height);
  }

  /**
   * Fills `pixels` with what lies over the picture in a view.
   *
   * @returns the part of them that may have changed
   */
  paint(objects: readonly PaintedObject[], mode: ViewMode): Box {
    const ground = grounds[mode];
    const before = this.#region;
    const { width, height } = this.size;
    this.#fill(this.#labels, before, 0);
    this.#region = nowhere;
    for (const { objectId, mask } of objects) if (mask !== null) this.#label(objectId, mask);
    const isNew = this.#mode !== mode;
    this.#mode = mode;
    if (isNew) this.#colours.fill(ground);
    else this.#fill(this.#colours, before, ground);
    if (mode === 'cut-out') this.#cutOut();
    else this.#colour(mode === 'mask' ? 255 : insideAlpha);
    return boxOf(
      isNew ? { left: 0, top: 0, right: width, bottom: height } : union(before, this.#region),
    );
  }

  #fill(into: Uint16Array | Uint32Array, { left, top, right, bottom }: Region, value: number) {
    const { width } = this.size;
    for (let y = top; y < bottom; y++) into.fill(value, y * width + left, y * width + right);
  }

  #label(objectId: number, { size, counts }: RunLengths): void {
    const { width, height } = this.size;
    if (size.width !== width || size.height !== height) return;
    const labels = this.#labels;
    let { left, top, right, bottom } = this.#region;
    forEachRun(counts, labels.length, (from, to) => {
      let row = from % height;
      const column = (from - row) / height;
      const lastColumn = Math.floor((to - 1) / height);
      left = Math.min(left, column);
      right = Math.max(right, lastColumn + 1);
      top = Math.min(top, lastColumn > column ? 0 : row);
      bottom = Math.max(bottom, lastColumn > column ? height : row + to - from);
      let at = row * width + column;
      for (let count = to - from; count > 0; count--) {
        labels[at] = objectId;
        if (++row === height) {
          row = 0;
          at += 1 - (height - 1) * width;
        } else at += width;
      }
    });
    this.#region = { left, top, right, bottom };
  }

  #colour(alpha: number): void {
    const { width, height } = this.size;
    const { left, top, right, bottom } = this.#region;
    const labels = this.#labels;
    const out = this.#colours;
    for (let y = top; y < bottom; y++) {
      let at = y * width + left;
      for (let x = left; x < right; x++, at++) {
        const id = labels[at]!;
        if (id === 0) continue;
        const edge =
          (x > 0 && labels[at - 1] !== id) ||
          (x < width - 1 && labels[at + 1] !== id) ||
          (y > 0 && labels[at - width] !== id) ||
          (y < height - 1 && labels[at + width] !== id);
        out[at] = pack(objectColour(id), edge ? 255 : alpha);
      }
    }
  }

  /** Lets the picture be seen where objects are. */
  #cutOut(): void {
    const { width } = this.size;
    const { left, top, right, bottom } = this.#region;
    for (let y = top; y < bottom; y++) {
      for (let at = y * width + left; at < y * width + right; at++) {
        if (this.#labels[at] !== 0) this.#colours[at] = 0;
      }
    }
  }
}

function union(a: Region, b: Region): Region {
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

function boxOf({ left, top, right, bottom }: Region): Box {
  if (left >= right) return { x: 0, y: 0, width: 0, height: 0 };
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Little-endian RGBA, as every browser's machine stores it. */
function pack([red, green, blue]: readonly number[], alpha: number): number {
  return ((alpha << 24) | (blue! << 16) | (green! << 8) | red!) >>> 0;
}

/** What is painted where no object is. */
const grounds = {
  overlay: 0,
  mask: pack([0, 0, 0], 255),
  'cut-out': pack([24, 26, 32], 255),
} as const satisfies Record<ViewMode, number>;
