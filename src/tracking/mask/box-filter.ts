import type { Size } from '../../frame/geometry.ts';

/** Sums over a square around every pixel, taken twice; 0 outside. `values` is row-major over `size`. */
export function boxFilter(values: Float32Array, size: Size, radius: number): Float32Array {
  const { width, height } = size;
  let out = values;
  for (let pass = 0; pass < 2; pass++) {
    out = sumAlong(out, { lines: height, length: width, step: 1, lineStep: width }, radius);
    out = sumAlong(out, { lines: width, length: height, step: width, lineStep: 1 }, radius);
  }
  return out;
}

type Lines = {
  readonly lines: number;
  readonly length: number;
  readonly step: number;
  readonly lineStep: number;
};

function sumAlong(
  values: Float32Array,
  { lines, length, step, lineStep }: Lines,
  radius: number,
): Float32Array {
  const out = new Float32Array(values.length);
  for (let line = 0; line < lines; line++) {
    const start = line * lineStep;
    let sum = 0;
    for (let i = -radius; i < length; i++) {
      if (i + radius < length) sum += values[start + (i + radius) * step]!;
      if (i - radius > 0) sum -= values[start + (i - radius - 1) * step]!;
      if (i >= 0) out[start + i * step] = sum;
    }
  }
  return out;
}
