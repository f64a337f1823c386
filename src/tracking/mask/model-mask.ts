import { wholePicture, type Box, type Size } from '../../frame/geometry.ts';
import type { Mask } from '../../frame/mask.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { threadKernel } from '../kernel/kernel.ts';
import { putMask } from '../kernel/structs.ts';
import { measuresOf, readMask } from './measures.ts';

/** Logit under which a pixel counts as outside when a window is cut: probability 0.02. */
const outsideLogit = -4;

/** A soft mask with no pixels. */
export function emptySoftMask(size: Size): SoftMask {
  return { size, window: null, values: new Float32Array(0) };
}

/**
 * Brings the decoder's low-resolution logits to a picture: bilinear in the logits, whose zero
 * crossing is the outline, then probabilities.
 *
 * @param logits float32[side, side], row-major, the region stretched to a square
 * @param region the part of the picture that was encoded, in fractions; outside it the mask is 0
 */
export function softMaskFromLogits(
  logits: Float32Array,
  side: number,
  size: Size,
  region: Box = wholePicture,
): SoftMask {
  const cells = cellsAbove(logits, side, outsideLogit);
  const window = cells && pictureWindow(cells, side, { size, region });
  if (window === null) return emptySoftMask(size);
  const kernel = threadKernel();
  const mask = putMask(kernel, { size, window, values: new Float32Array(0) });
  kernel.call.maskFromLogits(mask, kernel.put(logits), side, ...pixelsOf(region, size));
  return readMask(kernel, mask, size);
}

/**
 * Shrinks a soft mask to the decoder's square by averaging what each cell covers.
 *
 * @param region the part of the picture that the square shows, in fractions
 * @returns probabilities, float32[side, side]
 */
export function modelMaskFromSoft(
  mask: SoftMask,
  side: number,
  region: Box = wholePicture,
): Float32Array {
  if (mask.window === null) return new Float32Array(side * side);
  const kernel = threadKernel();
  const out = kernel.take(side * side);
  kernel.call.modelMask(putMask(kernel, mask), side, ...pixelsOf(region, mask.size), out);
  return kernel.floats(out, side * side).slice();
}

/** A region in pixels: x, y, width, height. */
function pixelsOf(region: Box, size: Size): [number, number, number, number] {
  return [
    region.x * size.width,
    region.y * size.height,
    region.width * size.width,
    region.height * size.height,
  ];
}

/** A given mask, averaged down to analysis size. */
export function softMaskFromMask(mask: Mask, size: Size): SoftMask {
  if (mask.box === null) return emptySoftMask(size);
  const scaleX = size.width / mask.size.width;
  const scaleY = size.height / mask.size.height;
  const x0 = Math.max(0, Math.floor(mask.box.x * scaleX) - 1);
  const y0 = Math.max(0, Math.floor(mask.box.y * scaleY) - 1);
  const x1 = Math.min(size.width, Math.ceil((mask.box.x + mask.box.width) * scaleX) + 1);
  const y1 = Math.min(size.height, Math.ceil((mask.box.y + mask.box.height) * scaleY) + 1);
  const window = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  const values = new Float32Array(window.width * window.height);
  for (let row = 0; row < window.height; row++) {
    for (let column = 0; column < window.width; column++) {
      values[row * window.width + column] = coverage(mask, {
        x: (x0 + column) / scaleX,
        y: (y0 + row) / scaleY,
        width: 1 / scaleX,
        height: 1 / scaleY,
      });
    }
  }
  return { size, window, values };
}

/** Tight bounds of the probabilities of at least one half, in the mask's pixels; null if none. */
export function softMaskBounds(mask: SoftMask): Box | null {
  return measuresOf(mask).bounds;
}

/** Pixels with a probability of at least one half. */
export function softMaskArea(mask: SoftMask): number {
  return measuresOf(mask).area;
}

/** The soft mask of the same object in a picture of another size; for a size change mid-stream. */
export function rescaleSoftMask(mask: SoftMask, size: Size): SoftMask {
  if (mask.window === null) return emptySoftMask(size);
  const scaleX = size.width / mask.size.width;
  const scaleY = size.height / mask.size.height;
  const x = Math.floor(mask.window.x * scaleX);
  const y = Math.floor(mask.window.y * scaleY);
  const right = Math.min(size.width, Math.ceil((mask.window.x + mask.window.width) * scaleX));
  const bottom = Math.min(size.height, Math.ceil((mask.window.y + mask.window.height) * scaleY));
  const window = { x, y, width: right - x, height: bottom - y };
  const values = new Float32Array(window.width * window.height);
  for (let row = 0; row < window.height; row++) {
    const fromY = (y + row + 0.5) / scaleY - 0.5;
    for (let column = 0; column < window.width; column++) {
      const fromX = (x + column + 0.5) / scaleX - 0.5;
      values[row * window.width + column] = sampleSoftMask(mask, fromX, fromY);
    }
  }
  return { size, window, values };
}

/** Bilinear probability at a position in pixel-centre coordinates; 0 outside the window. */
export function sampleSoftMask(mask: SoftMask, x: number, y: number): number {
  if (mask.window === null) return 0;
  const { width, height } = mask.window;
  const u = x - mask.window.x;
  const v = y - mask.window.y;
  if (u <= -1 || v <= -1 || u >= width || v >= height) return 0;
  const u0 = Math.floor(u);
  const v0 = Math.floor(v);
  const { values } = mask;
  const at = v0 * width + u0;
  const left = u0 >= 0;
  const right = u0 + 1 < width;
  const a = left && v0 >= 0 ? (values[at] ?? 0) : 0;
  const b = right && v0 >= 0 ? (values[at + 1] ?? 0) : 0;
  const c = left && v0 + 1 < height ? (values[at + width] ?? 0) : 0;
  const d = right && v0 + 1 < height ? (values[at + width + 1] ?? 0) : 0;
  return lerp(lerp(a, b, u - u0), lerp(c, d, u - u0), v - v0);
}

function cellsAbove(logits: Float32Array, side: number, threshold: number): Box | null {
  let left = side;
  let right = -1;
  let top = side;
  let bottom = -1;
  for (let i = 0; i < side * side; i++) {
    if ((logits[i] ?? 0) <= threshold) continue;
    const column = i % side;
    const row = (i - column) / side;
    if (column < left) left = column;
    if (column > right) right = column;
    if (row < top) top = row;
    bottom = row;
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Pixels that the cells and their bilinear skirts touch. */
function pictureWindow(
  cells: Box,
  side: number,
  place: { readonly size: Size; readonly region: Box },
): Box | null {
  const { size, region } = place;
  const across = { origin: region.x * size.width, cell: (region.width * size.width) / side };
  const down = { origin: region.y * size.height, cell: (region.height * size.height) / side };
  const skirts = {
    x: Math.floor(across.origin + (cells.x - 1) * across.cell),
    y: Math.floor(down.origin + (cells.y - 1) * down.cell),
    right: Math.ceil(across.origin + (cells.x + cells.width + 1) * across.cell),
    bottom: Math.ceil(down.origin + (cells.y + cells.height + 1) * down.cell),
  };
  // Pixels whose centres lie in the region.
  const x = Math.max(skirts.x, Math.ceil(across.origin - 0.5));
  const y = Math.max(skirts.y, Math.ceil(down.origin - 0.5));
  const right = Math.min(skirts.right, Math.ceil(across.origin + side * across.cell - 0.5));
  const bottom = Math.min(skirts.bottom, Math.ceil(down.origin + side * down.cell - 0.5));
  return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : null;
}

/** Share of a rectangle of the mask's picture that is set, by pixel centres. */
function coverage(mask: Mask, area: Box): number {
  const box = mask.box;
  if (box === null) return 0;
  const x0 = Math.round(area.x);
  const y0 = Math.round(area.y);
  const x1 = Math.max(x0 + 1, Math.round(area.x + area.width));
  const y1 = Math.max(y0 + 1, Math.round(area.y + area.height));
  let set = 0;
  for (let y = Math.max(y0, box.y); y < Math.min(y1, box.y + box.height); y++) {
    const row = (y - box.y) * box.width - box.x;
    for (let x = Math.max(x0, box.x); x < Math.min(x1, box.x + box.width); x++) {
      set += mask.bits[row + x] ?? 0;
    }
  }
  return set / ((x1 - x0) * (y1 - y0));
}

function lerp(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}
