import type { Size } from '../../frame/geometry.ts';

/**
 * Replaces every value of `map` by the sum over the square of `2 * radius + 1` around it, cut at
 * the borders. Running sums: the cost does not depend on the radius.
 *
 * @param scratch as long as the map
 */
export function boxSum(map: Float32Array, scratch: Float32Array, size: Size, radius: number): void {
  const { width, height } = size;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let sum = 0;
    for (let x = 0; x < Math.min(radius, width); x++) sum += map[row + x]!;
    for (let x = 0; x < width; x++) {
      if (x + radius < width) sum += map[row + x + radius]!;
      if (x > radius) sum -= map[row + x - radius - 1]!;
      scratch[row + x] = sum;
    }
  }
  // Downwards row by row: each row of the result is the one above, plus the row that enters, less
  // the row that leaves.
  for (let x = 0; x < width; x++) {
    let sum = 0;
    for (let y = 0; y <= Math.min(radius, height - 1); y++) sum += scratch[y * width + x]!;
    map[x] = sum;
  }
  for (let y = 1; y < height; y++) {
    const row = y * width;
    const entering = (y + radius) * width;
    const leaving = (y - radius - 1) * width;
    for (let x = 0; x < width; x++) {
      let sum = map[row - width + x]!;
      if (y + radius < height) sum += scratch[entering + x]!;
      if (y > radius) sum -= scratch[leaving + x]!;
      map[row + x] = sum;
    }
  }
}
