import type { Size, View } from '../../frame/geometry.ts';
import type { Manifest } from '../manifest.ts';
import type { Picture } from '../picture.ts';

/** Weights that make one output sample from a run of input samples. */
type Taps = {
  /** Input samples per output sample. */
  readonly count: number;
  /** First input sample of each output sample. */
  readonly start: Int32Array;
  /** `count` weights per output sample, each group of sum 1. */
  readonly weight: Float32Array;
};

/**
 * From this shrink factor on the filter widens with it. Below, two taps: the embedded model was
 * trained on pictures shrunk by up to 1.2 with plain bilinear sampling.
 */
const antialiasFrom = 1.5;

/**
 * The region of a yuv420p picture (BT.601, limited range) stretched to the model's input.
 *
 * @param out float32[3, height, width] of the manifest's `preprocess`, written in full
 */
export function fillInput(
  picture: Picture,
  target: Manifest['preprocess'],
  out: Float32Array,
): void {
  const { width, height } = picture.size;
  const half = { width: width / 2, height: height / 2 };
  const luma = width * height;
  const chroma = luma / 4;
  const plane = target.width * target.height;
  // The planes are sampled into the places of the colours, then mixed where they stand.
  const y = out.subarray(0, plane);
  const u = out.subarray(plane, 2 * plane);
  const v = out.subarray(2 * plane, 3 * plane);
  const { data, region, flipped } = picture;
  const plane420 = (from: number, to: number, size: Size): Plane => ({
    samples: data.subarray(from, to),
    size,
    region,
    flipped,
  });
  resamplePlane(plane420(0, luma, picture.size), target, y);
  resamplePlane(plane420(luma, luma + chroma, half), target, u);
  resamplePlane(plane420(luma + chroma, luma + 2 * chroma, half), target, v);
  mixColours(y, u, v);
  if (target.colour === 'bgr') swapPlanes(y, v);
  normalise(out, plane, target);
}

/** One plane of bytes, row-major, and the view of it. */
export type Plane = View & { readonly samples: Uint8Array; readonly size: Size };

/** Samples the region of a plane to `target` size, bilinear or area-weighted; flipped if asked. */
export function resamplePlane(plane: Plane, target: Size, out: Float32Array): void {
  const { samples, size, region, flipped } = plane;
  const across = makeTaps(size.width, target.width, { start: region.x, span: region.width });
  const down = makeTaps(size.height, target.height, { start: region.y, span: region.height });
  const row = new Float32Array(size.width);
  for (let y = 0; y < target.height; y++) {
    blendRows(samples, down, y, row);
    const line = out.subarray(y * target.width, (y + 1) * target.width);
    blendColumns(row, across, line);
    if (flipped) line.reverse();
  }
}

function blendRows(source: Uint8Array, taps: Taps, y: number, row: Float32Array): void {
  const { count, start, weight } = taps;
  const width = row.length;
  const from = start[y]! * width;
  const first = weight[y * count]!;
  const second = count > 1 ? weight[y * count + 1]! : 0;
  // Two taps in one pass: the usual case, and twice as fast as adding tap by tap.
  const below = second === 0 ? from : from + width;
  for (let x = 0; x < width; x++) row[x] = first * source[from + x]! + second * source[below + x]!;
  for (let tap = 2; tap < count; tap++) {
    const share = weight[y * count + tap]!;
    const line = from + tap * width;
    for (let x = 0; x < width; x++) row[x] = row[x]! + share * source[line + x]!;
  }
}

function blendColumns(row: Float32Array, taps: Taps, out: Float32Array): void {
  const { count, start, weight } = taps;
  if (count === 2) {
    for (let x = 0; x < out.length; x++) {
      const at = start[x]!;
      out[x] = weight[2 * x]! * row[at]! + weight[2 * x + 1]! * row[at + 1]!;
    }
    return;
  }
  for (let x = 0; x < out.length; x++) {
    let sum = 0;
    for (let tap = 0; tap < count; tap++) sum += weight[x * count + tap]! * row[start[x]! + tap]!;
    out[x] = sum;
  }
}

/** Pixel centres are at half positions at both sizes, as in cv2.resize; what lies outside the picture does not count. */
function makeTaps(from: number, to: number, part: { start: number; span: number }): Taps {
  const scale = (from * part.span) / to;
  const origin = from * part.start;
  const radius = scale > antialiasFrom ? scale : 1;
  const count = Math.min(from, Math.ceil(radius) * 2);
  const start = new Int32Array(to);
  const weight = new Float32Array(to * count);
  for (let i = 0; i < to; i++) {
    const centre = Math.min(from - 1, Math.max(0, origin + (i + 0.5) * scale - 0.5));
    const first = Math.max(0, Math.floor(centre - radius) + 1);
    const last = Math.min(from - 1, Math.ceil(centre + radius) - 1);
    start[i] = Math.min(first, from - count);
    let total = 0;
    for (let j = first; j <= last; j++) total += 1 - Math.abs(j - centre) / radius;
    for (let j = first; j <= last; j++) {
      weight[i * count + j - start[i]!] = (1 - Math.abs(j - centre) / radius) / total;
    }
  }
  return { count, start, weight };
}

/** Y, U, V planes to R, G, B 0..255 in place (ITU-R BT.601, limited range). */
function mixColours(y: Float32Array, u: Float32Array, v: Float32Array): void {
  for (let i = 0; i < y.length; i++) {
    const light = 1.164383 * (y[i]! - 16);
    const blue = u[i]! - 128;
    const red = v[i]! - 128;
    y[i] = clampByte(light + 1.596027 * red);
    u[i] = clampByte(light - 0.391762 * blue - 0.812968 * red);
    v[i] = clampByte(light + 2.017232 * blue);
  }
}

function clampByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function swapPlanes(a: Float32Array, b: Float32Array): void {
  const kept = a.slice();
  a.set(b);
  b.set(kept);
}

function normalise(out: Float32Array, plane: number, target: Manifest['preprocess']): void {
  const unit = target.range === '0-1' ? 1 / 255 : 1;
  if (unit === 1 && target.mean === null && target.std === null) return;
  for (let channel = 0; channel < 3; channel++) {
    const mean = target.mean?.[channel] ?? 0;
    const scale = 1 / (target.std?.[channel] ?? 1);
    const end = (channel + 1) * plane;
    for (let i = channel * plane; i < end; i++) out[i] = (out[i]! * unit - mean) * scale;
  }
}
