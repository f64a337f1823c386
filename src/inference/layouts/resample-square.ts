/**
 * A square of values at another size: bilinear where it grows, with a triangle filter as wide as a
 * new cell where it shrinks, as PyTorch's `interpolate` with `antialias`.
 *
 * @param values float32[side, side], row-major
 * @returns float32[to, to]; `values` itself where the size is the same
 */
export function resampleSquare(values: Float32Array, to: number): Float32Array {
  const side = Math.sqrt(values.length);
  if (side === to) return values;
  const taps = tapsOf(side, to);
  const rows = new Float32Array(to * side);
  taps.forEach((tap, y) => {
    for (const { at, weight } of tap) {
      for (let x = 0; x < side; x++) rows[y * side + x]! += weight * values[at * side + x]!;
    }
  });
  const out = new Float32Array(to * to);
  for (let y = 0; y < to; y++) {
    taps.forEach((tap, x) => {
      let sum = 0;
      for (const { at, weight } of tap) sum += weight * rows[y * side + at]!;
      out[y * to + x] = sum;
    });
  }
  return out;
}

type Tap = { readonly at: number; readonly weight: number };

function tapsOf(from: number, to: number): Tap[][] {
  const scale = from / to;
  const radius = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const taps: Tap[] = [];
    for (let at = Math.floor(centre - radius); at <= Math.ceil(centre + radius); at++) {
      const weight = 1 - Math.abs(at + 0.5 - centre) / radius;
      if (weight <= 0) continue;
      // PyTorch without `antialias` repeats the border; with it, what lies outside does not count.
      if (scale <= 1) taps.push({ at: Math.min(from - 1, Math.max(0, at)), weight });
      else if (at >= 0 && at < from) taps.push({ at, weight });
    }
    const total = taps.reduce((sum, { weight }) => sum + weight, 0);
    return taps.map(({ at, weight }) => ({ at, weight: weight / total }));
  });
}
