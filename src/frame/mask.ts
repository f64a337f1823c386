import type { Box, Size } from './geometry.ts';

/**
 * The pixels of one object: a bitmap cut to its tight bounds, so that a small object in a large
 * picture costs what it covers. Immutable; crosses threads by copy of the crop only.
 */
export type Mask = {
  /** The picture that the mask belongs to. */
  readonly size: Size;
  /** Tight integer bounds of the set pixels; null where the area is 0. */
  readonly box: Box | null;
  /** 0 or 1, row-major over `box`; empty where the area is 0. */
  readonly bits: Uint8Array;
  /** Set pixels. */
  readonly area: number;
};

/** A mask with no pixels. */
export function emptyMask(size: Size): Mask {
  return { size, box: null, bits: new Uint8Array(0), area: 0 };
}

/**
 * Cuts a bitmap to the tight bounds of its non-zero pixels.
 *
 * @param bitmap row-major over `within` (or the whole picture), non-zero = set
 * @param within where the bitmap lies in the picture; integer. Default: the whole picture.
 */
export function maskFromBitmap(bitmap: Uint8Array, size: Size, within?: Box): Mask {
  const frame = within ?? { x: 0, y: 0, width: size.width, height: size.height };
  const bounds = tightBounds(bitmap, frame.width, frame.height);
  if (bounds === null) return emptyMask(size);
  const bits = new Uint8Array(bounds.width * bounds.height);
  let area = 0;
  for (let row = 0; row < bounds.height; row++) {
    const from = (bounds.y + row) * frame.width + bounds.x;
    const to = row * bounds.width;
    for (let column = 0; column < bounds.width; column++) {
      if (bitmap[from + column]) {
        bits[to + column] = 1;
        area++;
      }
    }
  }
  const box = { ...bounds, x: bounds.x + frame.x, y: bounds.y + frame.y };
  return { size, box, bits, area };
}

/** The whole picture as one byte a pixel, row-major, 0 or `value`. */
export function maskToBitmap(mask: Mask, value = 1): Uint8Array {
  const bitmap = new Uint8Array(mask.size.width * mask.size.height);
  paintMask(mask, bitmap, value);
  return bitmap;
}

/** Writes `value` into `bitmap` (row-major over the mask's picture) where the mask is set. */
export function paintMask(mask: Mask, bitmap: Uint8Array, value: number): void {
  if (mask.box === null) return;
  const { x, y, width, height } = mask.box;
  for (let row = 0; row < height; row++) {
    const to = (y + row) * mask.size.width + x;
    const from = row * width;
    for (let column = 0; column < width; column++) {
      if (mask.bits[from + column]) bitmap[to + column] = value;
    }
  }
}

/** Intersection over union of two masks of one picture; 1 where both are empty. */
export function maskIou(a: Mask, b: Mask): number {
  if (a.area === 0 && b.area === 0) return 1;
  const shared = intersection(a, b);
  return shared / (a.area + b.area - shared);
}

function intersection(a: Mask, b: Mask): number {
  if (a.box === null || b.box === null) return 0;
  const x0 = Math.max(a.box.x, b.box.x);
  const y0 = Math.max(a.box.y, b.box.y);
  const x1 = Math.min(a.box.x + a.box.width, b.box.x + b.box.width);
  const y1 = Math.min(a.box.y + a.box.height, b.box.y + b.box.height);
  let shared = 0;
  for (let y = y0; y < y1; y++) {
    const rowA = (y - a.box.y) * a.box.width - a.box.x;
    const rowB = (y - b.box.y) * b.box.width - b.box.x;
    for (let x = x0; x < x1; x++) shared += (a.bits[rowA + x] ?? 0) & (b.bits[rowB + x] ?? 0);
  }
  return shared;
}

function tightBounds(bitmap: Uint8Array, width: number, height: number): Box | null {
  let left = width;
  let right = -1;
  let top = -1;
  let bottom = -1;
  for (let y = 0; y < height; y++) {
    const start = y * width;
    let x = 0;
    while (x < width && !bitmap[start + x]) x++;
    if (x === width) continue;
    if (top < 0) top = y;
    bottom = y;
    if (x < left) left = x;
    let last = width - 1;
    while (!bitmap[start + last]) last--;
    if (last > right) right = last;
  }
  if (top < 0) return null;
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
