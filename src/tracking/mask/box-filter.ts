import type { Size } from '../../frame/geometry.ts';

/** Sums over a square around every pixel, taken twice; 0 outside. `values` is row-major over `size`. */
export function boxFilter(values: Float32Array, size: Size, radius: number): Float32Array {
  let out = values;
  for (let pass = 0; pass < 2; pass++) out = sumDown(sumAcross(out, size, radius), size, radius);
  return out;
}

function sumAcross(values: Float32Array, { width, height }: Size, radius: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    const start = row * width;
    let sum = 0;
    for (let x = -radius; x < width; x++) {
      if (x + radius < width) sum += values[start + x + radius]!;
      if (x > radius) sum -= values[start + x - radius - 1]!;
      if (x >= 0) out[start + x] = sum;
    }
  }
  return out;
}

/** Row by row, with one running sum a column: down each column the cache would miss every time. */
function sumDown(values: Float32Array, { width, height }: Size, radius: number): Float32Array {
  const out = new Float32Array(values.length);
  const sums = new Float64Array(width);
  for (let y = -radius; y < height; y++) {
    if (y + radius < height) {
      const entering = (y + radius) * width;
      for (let x = 0; x < width; x++) sums[x]! += values[entering + x]!;
    }
    if (y > radius) {
      const leaving = (y - radius - 1) * width;
      for (let x = 0; x < width; x++) sums[x]! -= values[leaving + x]!;
    }
    if (y >= 0) out.set(sums, y * width);
  }
  return out;
}
