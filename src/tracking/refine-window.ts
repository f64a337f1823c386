import type { Box, Size } from '../frame/geometry.ts';
import type { SoftMask } from '../frame/soft-mask.ts';
import { sampleSoftMask, sigmoid, softMaskBounds } from './model-mask.ts';

/** Side of the refiner's window over the longer side of the mask's box. */
const windowPerBox = 1.6;

/** Smallest window in analysis pixels: under it the crop would show nothing but noise. */
const minWindowPixels = 48;

/** Logits beyond this carry no more certainty; it keeps the prior's logit finite. */
const maxLogit = 6;

/** The square around a mask that the refiner sees, in analysis pixels; may leave the picture. */
export type RefineWindow = { readonly x: number; readonly y: number; readonly side: number };

/** The refiner's inputs for one object: pixels and prior of its window at the crop's side. */
export type RefineCrop = {
  readonly window: RefineWindow;
  /** float32[3, side, side], RGB 0..255; the picture's border is repeated outside it. */
  readonly crop: Float32Array<ArrayBuffer>;
  /** float32[side, side], probabilities; 0 outside the picture. */
  readonly prior: Float32Array<ArrayBuffer>;
};

/** A yuv420p picture at analysis size. */
export type Picture = { readonly analysis: Size; readonly data: Uint8Array };

/** The window around a mask, or null where the mask is empty. */
export function refineWindow(mask: SoftMask): RefineWindow | null {
  const box = softMaskBounds(mask);
  if (box === null) return null;
  const side = Math.max(minWindowPixels, windowPerBox * Math.max(box.width, box.height));
  return {
    x: box.x + box.width / 2 - side / 2,
    y: box.y + box.height / 2 - side / 2,
    side,
  };
}

/** Cuts the refiner's inputs out of a picture, bilinear, to `side` x `side`. */
export function cutRefineCrop(
  picture: Picture,
  mask: SoftMask,
  window: RefineWindow,
  side: number,
): RefineCrop {
  const { width, height } = picture.analysis;
  const half = { width: width / 2, height: height / 2 };
  const crop = new Float32Array(3 * side * side);
  const columns = axisSamples(window.x, window.side, side, width);
  const rows = axisSamples(window.y, window.side, side, height);
  const luma = picture.data.subarray(0, width * height);
  const blue = picture.data.subarray(width * height, width * height + half.width * half.height);
  const red = picture.data.subarray(width * height + half.width * half.height);
  const plane = side * side;
  for (let row = 0; row < side; row++) {
    const top = (rows.first[row] ?? 0) * width;
    const bottom = (rows.second[row] ?? 0) * width;
    const wy = rows.weight[row] ?? 0;
    const chromaRow = (rows.nearest[row] ?? 0) >> 1;
    for (let column = 0; column < side; column++) {
      const x0 = columns.first[column] ?? 0;
      const x1 = columns.second[column] ?? 0;
      const wx = columns.weight[column] ?? 0;
      const upper = mix(luma[top + x0] ?? 0, luma[top + x1] ?? 0, wx);
      const lower = mix(luma[bottom + x0] ?? 0, luma[bottom + x1] ?? 0, wx);
      const chroma = chromaRow * half.width + ((columns.nearest[column] ?? 0) >> 1);
      // BT.601, limited range: what cameras send when they say nothing.
      const l = 1.164 * (mix(upper, lower, wy) - 16);
      const u = (blue[chroma] ?? 0) - 128;
      const v = (red[chroma] ?? 0) - 128;
      const at = row * side + column;
      crop[at] = clampByte(l + 1.596 * v);
      crop[plane + at] = clampByte(l - 0.392 * u - 0.813 * v);
      crop[2 * plane + at] = clampByte(l + 2.017 * u);
    }
  }
  return { window, crop, prior: cutPrior(mask, window, side) };
}

function cutPrior(mask: SoftMask, window: RefineWindow, side: number): Float32Array<ArrayBuffer> {
  const prior = new Float32Array(side * side);
  const step = window.side / side;
  for (let row = 0; row < side; row++) {
    const y = window.y + (row + 0.5) * step - 0.5;
    for (let column = 0; column < side; column++) {
      prior[row * side + column] = sampleSoftMask(mask, window.x + (column + 0.5) * step - 0.5, y);
    }
  }
  return prior;
}

/** Where each line of the crop reads along one axis; the picture's border is repeated. */
type AxisSamples = {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Float32Array;
  readonly nearest: Int32Array;
};

function axisSamples(origin: number, span: number, side: number, length: number): AxisSamples {
  const first = new Int32Array(side);
  const second = new Int32Array(side);
  const weight = new Float32Array(side);
  const nearest = new Int32Array(side);
  for (let i = 0; i < side; i++) {
    const position = clamp(origin + ((i + 0.5) * span) / side - 0.5, length - 1);
    first[i] = Math.floor(position);
    second[i] = Math.min(Math.floor(position) + 1, length - 1);
    weight[i] = position - Math.floor(position);
    nearest[i] = Math.round(position);
  }
  return { first, second, weight, nearest };
}

/**
 * Puts the refiner's answer back at analysis size. Only the change that it made is interpolated and
 * added to the finer prior, so an outline that it left alone keeps all its detail.
 *
 * @param logits float32[side, side] for the crop that `cut` was
 */
export function pasteRefined(mask: SoftMask, cut: RefineCrop, logits: Float32Array): SoftMask {
  const side = Math.round(Math.sqrt(cut.prior.length));
  const delta = new Float32Array(side * side);
  for (let i = 0; i < delta.length; i++) {
    delta[i] = clampLogit(logits[i] ?? 0) - logitOf(cut.prior[i] ?? 0);
  }
  const window = pictureWindow(cut.window, mask.size);
  const values = new Float32Array(window.width * window.height);
  const scale = side / cut.window.side;
  for (let row = 0; row < window.height; row++) {
    const v = clamp((window.y + row + 0.5 - cut.window.y) * scale - 0.5, side - 1);
    for (let column = 0; column < window.width; column++) {
      const u = clamp((window.x + column + 0.5 - cut.window.x) * scale - 0.5, side - 1);
      const before = sampleInside(mask, window.x + column, window.y + row);
      values[row * window.width + column] = sigmoid(logitOf(before) + bilinear(delta, side, u, v));
    }
  }
  return { size: mask.size, window, values };
}

function pictureWindow(window: RefineWindow, size: Size): Box {
  const x = Math.max(0, Math.floor(window.x));
  const y = Math.max(0, Math.floor(window.y));
  const right = Math.min(size.width, Math.ceil(window.x + window.side));
  const bottom = Math.min(size.height, Math.ceil(window.y + window.side));
  return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
}

function sampleInside(mask: SoftMask, x: number, y: number): number {
  if (mask.window === null) return 0;
  const u = x - mask.window.x;
  const v = y - mask.window.y;
  if (u < 0 || v < 0 || u >= mask.window.width || v >= mask.window.height) return 0;
  return mask.values[v * mask.window.width + u] ?? 0;
}

function bilinear(grid: Float32Array, side: number, u: number, v: number): number {
  const u0 = Math.floor(u);
  const v0 = Math.floor(v);
  const u1 = Math.min(u0 + 1, side - 1);
  const v1 = Math.min(v0 + 1, side - 1);
  const top = mix(grid[v0 * side + u0] ?? 0, grid[v0 * side + u1] ?? 0, u - u0);
  const bottom = mix(grid[v1 * side + u0] ?? 0, grid[v1 * side + u1] ?? 0, u - u0);
  return mix(top, bottom, v - v0);
}

function logitOf(probability: number): number {
  return clampLogit(Math.log((probability + 1e-6) / (1 - probability + 1e-6)));
}

function clampLogit(logit: number): number {
  return logit > maxLogit ? maxLogit : logit < -maxLogit ? -maxLogit : logit;
}

function clamp(value: number, high: number): number {
  return value < 0 ? 0 : value > high ? high : value;
}

function clampByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}
