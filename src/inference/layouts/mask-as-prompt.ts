import { boundsOfCells } from '../../frame/connected-parts.ts';
import type { Box } from '../../frame/geometry.ts';
import type { Click } from '../../frame/prompt.ts';

/** Points that stand for a mask besides its box. */
const pointsPerMask = 3;

/** A mask as a decoder takes it that knows boxes and points only. */
export type MaskAsPrompt = { readonly box: Box; readonly clicks: readonly Click[] };

/**
 * The box of a mask, and points deep inside of it: the cell farthest from everything outside, then
 * those that are deep and far from the points before. Null where the mask is empty.
 *
 * @param mask float32[side, side], probabilities
 */
export function maskAsPrompt(mask: Float32Array, side: number): MaskAsPrompt | null {
  const cells = [...mask.keys()].filter((cell) => mask[cell]! >= 0.5);
  if (cells.length === 0) return null;
  const depth = depthInside(mask, side);
  const chosen: number[] = [];
  while (chosen.length < Math.min(pointsPerMask, cells.length)) {
    const merit = (cell: number): number => {
      const apart = chosen.map((other) => distance(cell, other, side));
      return Math.min(depth[cell]!, ...apart.map((far) => far / 2));
    };
    chosen.push(cells.reduce((best, cell) => (merit(cell) > merit(best) ? cell : best)));
  }
  const bounds = boundsOfCells(cells, side);
  return {
    box: {
      x: bounds.x / side,
      y: bounds.y / side,
      width: bounds.width / side,
      height: bounds.height / side,
    },
    clicks: chosen.map((cell) => ({
      x: ((cell % side) + 0.5) / side,
      y: (Math.floor(cell / side) + 0.5) / side,
      label: 'positive',
    })),
  };
}

/** Steps to the nearest cell outside, in rows, columns and diagonals (chessboard distance). */
function depthInside(mask: Float32Array, side: number): Float32Array {
  const depth = new Float32Array(side * side);
  const at = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= side || y >= side ? 0 : depth[y * side + x]!;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (mask[y * side + x]! < 0.5) continue;
      const before = [at(x - 1, y), at(x - 1, y - 1), at(x, y - 1), at(x + 1, y - 1)];
      depth[y * side + x] = 1 + Math.min(...before);
    }
  }
  for (let y = side - 1; y >= 0; y--) {
    for (let x = side - 1; x >= 0; x--) {
      const here = at(x, y);
      if (here === 0) continue;
      const after = [at(x + 1, y), at(x + 1, y + 1), at(x, y + 1), at(x - 1, y + 1)];
      depth[y * side + x] = Math.min(here, 1 + Math.min(...after));
    }
  }
  return depth;
}

function distance(a: number, b: number, side: number): number {
  return Math.hypot((a % side) - (b % side), Math.floor(a / side) - Math.floor(b / side));
}
