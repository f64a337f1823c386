import type { Size } from '../../frame/geometry.ts';

/**
 * The filled part of a padded square of values, stretched to a square of its own: bilinear, as the
 * masks of a picture that was padded are brought back to it.
 *
 * @param values float32[rows, columns], row-major
 * @param share of the square that is filled, from the top left corner
 * @returns float32[side, side]
 */
export function fromPadded(
  values: Float32Array,
  from: Size,
  share: Size,
  side: number,
): Float32Array {
  const isSame = from.width === side && from.height === side;
  if (isSame && share.width === 1 && share.height === 1) return values;
  const out = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    const row = ((y + 0.5) / side) * share.height * from.height - 0.5;
    for (let x = 0; x < side; x++) {
      const column = ((x + 0.5) / side) * share.width * from.width - 0.5;
      out[y * side + x] = sample(values, from, column, row);
    }
  }
  return out;
}

/**
 * A square of values shrunk into the filled part of a padded square; `outside` fills the rest.
 *
 * @param values float32[side, side]
 * @returns float32[to, to]
 */
export function intoPadded(
  values: Float32Array,
  share: Size,
  to: number,
  outside: number,
): Float32Array {
  const side = Math.sqrt(values.length);
  if (side === to && share.width === 1 && share.height === 1) return values;
  const size = { width: side, height: side };
  const out = new Float32Array(to * to).fill(outside);
  for (let y = 0; y < Math.round(to * share.height); y++) {
    const row = ((y + 0.5) / (to * share.height)) * side - 0.5;
    for (let x = 0; x < Math.round(to * share.width); x++) {
      out[y * to + x] = sample(values, size, ((x + 0.5) / (to * share.width)) * side - 0.5, row);
    }
  }
  return out;
}

/** Bilinear value at a place, in cells from the first one's centre; the border is repeated. */
function sample(values: Float32Array, { width, height }: Size, x: number, y: number): number {
  const left = Math.min(width - 1, Math.max(0, Math.floor(x)));
  const top = Math.min(height - 1, Math.max(0, Math.floor(y)));
  const right = Math.min(width - 1, left + 1);
  const below = Math.min(height - 1, top + 1);
  const u = Math.min(1, Math.max(0, x - left));
  const v = Math.min(1, Math.max(0, y - top));
  const upper = values[top * width + left]! * (1 - u) + values[top * width + right]! * u;
  const lower = values[below * width + left]! * (1 - u) + values[below * width + right]! * u;
  return upper * (1 - v) + lower * v;
}
