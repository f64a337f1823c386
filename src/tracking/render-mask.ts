import type { Box, Size } from '../frame/geometry.ts';
import { emptyMask, maskFromBitmap, type Mask } from '../frame/mask.ts';
import type { SoftMask } from '../frame/soft-mask.ts';

/**
 * A mask's margin: probability minus what it has to beat, so that its zero crossing is the outline.
 * Row-major over `window` of a picture of `size`.
 */
export type Margin = { readonly size: Size; readonly window: Box; readonly values: Float32Array };

/** The margin of a mask that competes with nobody: probability minus one half. */
export function marginOf(mask: SoftMask): Margin | null {
  if (mask.window === null) return null;
  const values = new Float32Array(mask.values.length);
  for (let i = 0; i < values.length; i++) values[i] = (mask.values[i] ?? 0) - 0.5;
  return { size: mask.size, window: mask.window, values };
}

/**
 * Thresholds a margin at 0 after bilinear interpolation to `target` size. Interpolating first and
 * thresholding last keeps the outline smooth at display size.
 */
export function renderMask(margin: Margin | null, target: Size): Mask {
  if (margin === null) return emptyMask(target);
  const { window, size } = margin;
  const scaleX = target.width / size.width;
  const scaleY = target.height / size.height;
  const x0 = Math.max(0, Math.floor((window.x - 0.5) * scaleX));
  const y0 = Math.max(0, Math.floor((window.y - 0.5) * scaleY));
  const x1 = Math.min(target.width, Math.ceil((window.x + window.width + 0.5) * scaleX));
  const y1 = Math.min(target.height, Math.ceil((window.y + window.height + 0.5) * scaleY));
  const within = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  const bitmap = new Uint8Array(within.width * within.height);
  const columns = sampleColumns(within, window, scaleX);
  const line = new Float32Array(window.width + 2);
  for (let row = 0; row < within.height; row++) {
    blendRows(margin, (y0 + row + 0.5) / scaleY - 0.5 - window.y, line);
    thresholdLine(line, columns, bitmap.subarray(row * within.width, (row + 1) * within.width));
  }
  return maskFromBitmap(bitmap, target, within);
}

/** Where each target column reads in a line that has one padding cell at either end. */
type Columns = { readonly left: Int32Array; readonly weight: Float32Array };

function sampleColumns(within: Box, window: Box, scaleX: number): Columns {
  const left = new Int32Array(within.width);
  const weight = new Float32Array(within.width);
  for (let column = 0; column < within.width; column++) {
    const u = (within.x + column + 0.5) / scaleX - 0.5 - window.x + 1;
    const clamped = Math.min(Math.max(u, 0), window.width + 1);
    const first = Math.min(Math.floor(clamped), window.width);
    left[column] = first;
    weight[column] = clamped - first;
  }
  return { left, weight };
}

/** Vertical interpolation into `line`; at the window's rim the margin falls to outside. */
function blendRows(margin: Margin, v: number, line: Float32Array): void {
  const { width, height, x, y } = margin.window;
  const v0 = Math.floor(v);
  const t = v - v0;
  const outside = -0.5;
  // At the picture's own border the object goes on beyond it; at an inner rim it ends.
  const clampTop = y === 0;
  const clampBottom = y + height === margin.size.height;
  const upperRow = rimRow(v0, height, clampTop, clampBottom);
  const lowerRow = rimRow(v0 + 1, height, clampTop, clampBottom);
  for (let column = 0; column < width; column++) {
    const upper = upperRow < 0 ? outside : (margin.values[upperRow * width + column] ?? 0);
    const lower = lowerRow < 0 ? outside : (margin.values[lowerRow * width + column] ?? 0);
    line[column + 1] = upper + (lower - upper) * t;
  }
  line[0] = x === 0 ? (line[1] ?? outside) : outside;
  line[width + 1] = x + width === margin.size.width ? (line[width] ?? outside) : outside;
}

/** The row to read, or -1 for outside. */
function rimRow(row: number, height: number, clampTop: boolean, clampBottom: boolean): number {
  if (row < 0) return clampTop ? 0 : -1;
  if (row >= height) return clampBottom ? height - 1 : -1;
  return row;
}

function thresholdLine(line: Float32Array, columns: Columns, out: Uint8Array): void {
  for (let column = 0; column < out.length; column++) {
    const first = columns.left[column] ?? 0;
    const a = line[first] ?? 0;
    const b = line[first + 1] ?? 0;
    if (a + (b - a) * (columns.weight[column] ?? 0) > 0) out[column] = 1;
  }
}
