import type { Point, Size } from '../frame/geometry.ts';

/**
 * The pixel of a bitmap that is farthest from its outside (ties: lowest y, then lowest x), where
 * one would click; null for an empty bitmap. Beyond the picture counts as outside, so that the
 * point keeps clear of the edge too.
 *
 * Exact squared Euclidean distance transform: Felzenszwalb and Huttenlocher, "Distance Transforms of
 * Sampled Functions", 2012.
 */
export function distancePeak(bitmap: Uint8Array, size: Size): Point | null {
  const { width, height } = size;
  // One pixel of outside around the picture.
  const paddedWidth = width + 2;
  const paddedHeight = height + 2;
  const squared = new Float64Array(paddedWidth * paddedHeight);
  const far = paddedWidth ** 2 + paddedHeight ** 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (bitmap[y * width + x]) squared[(y + 1) * paddedWidth + x + 1] = far;
    }
  }
  for (let x = 0; x < paddedWidth; x++) transformLine(squared, x, paddedWidth, paddedHeight);
  for (let y = 0; y < paddedHeight; y++) transformLine(squared, y * paddedWidth, 1, paddedWidth);
  let best = 0;
  let peak: Point | null = null;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = squared[(y + 1) * paddedWidth + x + 1] ?? 0;
      if (value > best) {
        best = value;
        peak = { x, y };
      }
    }
  }
  return peak;
}

/** Lower envelope of parabolas along one row or column, in place. */
function transformLine(values: Float64Array, start: number, step: number, length: number): void {
  const source = Float64Array.from({ length }, (_, index) => values[start + index * step] ?? 0);
  const at = (index: number) => source[index] ?? 0;
  const roots = new Int32Array(length);
  const borders = new Float64Array(length + 1).fill(Infinity);
  borders[0] = -Infinity;
  let last = 0;
  for (let q = 1; q < length; q++) {
    for (;;) {
      const root = roots[last] ?? 0;
      const crossing = (at(q) + q * q - at(root) - root * root) / (2 * q - 2 * root);
      if (crossing > (borders[last] ?? 0)) {
        last++;
        roots[last] = q;
        borders[last] = crossing;
        borders[last + 1] = Infinity;
        break;
      }
      last--;
    }
  }
  for (let q = 0, k = 0; q < length; q++) {
    while ((borders[k + 1] ?? Infinity) < q) k++;
    const root = roots[k] ?? 0;
    values[start + q * step] = (q - root) ** 2 + at(root);
  }
}
