import type { Point, Size } from '../../../src/frame/geometry.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import {
  createFlowField,
  createFlowImage,
  prepareFlowImage,
} from '../../../src/tracking/flow/image.ts';
import type { FlowEngine, FlowField, FlowImage } from '../../../src/tracking/flow/types.ts';

/** A grey value for every point of the plane, so that moved pictures are sampled without loss. */
export type Texture = (x: number, y: number) => number;

/** Smooth noise of two scales around mid grey; another seed is another scene. */
export function noise(seed: number, contrast = 100): Texture {
  return (x, y) =>
    128 +
    contrast * (0.6 * lattice(x / 7, y / 7, seed) + 0.4 * lattice(x / 2.5, y / 2.5, seed + 7));
}

/** The picture that a texture shows through the window at the origin. */
export function picture(size: Size, texture: Texture): Uint8Array {
  const luma = new Uint8Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const grey = texture(x + 0.5, y + 0.5);
      luma[y * size.width + x] = Math.min(255, Math.max(0, Math.round(grey)));
    }
  }
  return luma;
}

/** A picture prepared at its own size. */
export function flowImage(size: Size, luma: Uint8Array): FlowImage {
  const image = createFlowImage(size);
  prepareFlowImage(luma, size, image);
  return image;
}

/** Backward flow of an engine between two pictures. */
export function flowBetween(
  engine: FlowEngine,
  size: Size,
  previous: Uint8Array,
  current: Uint8Array,
): FlowField {
  const out = createFlowField(size);
  engine.compute(flowImage(size, previous), flowImage(size, current), out);
  return out;
}

/** Mean distance of a flow from the truth, `margin` pixels away from the borders. */
export function endPointError(
  flow: FlowField,
  truth: (x: number, y: number) => Point,
  margin: number,
): number {
  let sum = 0;
  let count = 0;
  for (let y = margin; y < flow.height - margin; y++) {
    for (let x = margin; x < flow.width - margin; x++) {
      const expected = truth(x, y);
      const at = y * flow.width + x;
      sum += Math.hypot(flow.u[at]! - expected.x, flow.v[at]! - expected.y);
      count++;
    }
  }
  return sum / count;
}

/** A field that is the same everywhere. */
export function uniformFlow(size: Size, u: number, v: number): FlowField {
  const flow = createFlowField(size);
  flow.u.fill(u);
  flow.v.fill(v);
  return flow;
}

/** A mask that is 1 inside a shape and 0 outside, cut to its bounds. */
export function softMask(size: Size, inside: (x: number, y: number) => boolean): SoftMask {
  let [left, top, right, bottom] = [size.width, size.height, -1, -1];
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      if (!inside(x, y)) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  if (right < 0) return { size, window: null, values: new Float32Array(0) };
  const window = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  const values = Float32Array.from({ length: window.width * window.height }, (_, at) =>
    inside(left + (at % window.width), top + Math.floor(at / window.width)) ? 1 : 0,
  );
  return { size, window, values };
}

/** Intersection over union of two masks cut at 0.5. */
export function softIou(a: SoftMask, b: SoftMask): number {
  let shared = 0;
  let either = 0;
  for (let y = 0; y < a.size.height; y++) {
    for (let x = 0; x < a.size.width; x++) {
      const inA = valueAt(a, x, y) >= 0.5;
      const inB = valueAt(b, x, y) >= 0.5;
      if (inA && inB) shared++;
      if (inA || inB) either++;
    }
  }
  return either === 0 ? 1 : shared / either;
}

/** Probability of a mask at a pixel of its picture. */
export function valueAt(mask: SoftMask, x: number, y: number): number {
  const window = mask.window;
  if (window === null) return 0;
  const column = x - window.x;
  const row = y - window.y;
  if (column < 0 || row < 0 || column >= window.width || row >= window.height) return 0;
  return mask.values[row * window.width + column]!;
}

/** Value noise in -1..1 with smooth interpolation. */
function lattice(x: number, y: number, seed: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const fx = smooth(x - left);
  const fy = smooth(y - top);
  const above = hash(left, top, seed) * (1 - fx) + hash(left + 1, top, seed) * fx;
  const below = hash(left, top + 1, seed) * (1 - fx) + hash(left + 1, top + 1, seed) * fx;
  return above * (1 - fy) + below * fy;
}

function smooth(part: number): number {
  return part * part * (3 - 2 * part);
}

function hash(x: number, y: number, seed: number): number {
  let bits = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 15), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 0x7fffffff - 1;
}
