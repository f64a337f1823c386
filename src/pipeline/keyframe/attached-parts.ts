import { boundsOfCells, connectedParts } from '../../frame/connected-parts.ts';

/**
 * Farthest that a part may lie from what is surely the object, in longest sides of that: an occluder
 * divides an object by less, a like object stands further off.
 */
const reachRatio = 1 / 6;
const leastReachCells = 2;

/** Logit of what is cut away. */
const outside = -10;

/**
 * The decoder's mask without the parts that lie apart from what is surely the object: appearance
 * says nothing about which of several like objects it is, but its place does. Sure are the parts that hold
 * a seed; where none does, the mask stays whole.
 *
 * @param logits float32[side, side], row-major; a part is a 4-connected region above 0
 * @param seeds cells where the object is known to be
 */
export function keepAttachedParts(
  logits: Float32Array,
  seeds: ReadonlySet<number>,
  side: number,
): Float32Array {
  const inside = Uint8Array.from(logits, (logit) => (logit > 0 ? 1 : 0));
  const parts = connectedParts(inside, { width: side, height: side }, 4);
  const sure = parts.filter((cells) => cells.some((cell) => seeds.has(cell)));
  if (sure.length === 0 || sure.length === parts.length) return logits;
  const near = nearCells(sure.flat(), side);
  const kept = logits.slice();
  for (const cells of parts) {
    if (cells.some((cell) => near[cell])) continue;
    for (const cell of cells) kept[cell] = outside;
  }
  return kept;
}

/** 1 on the given cells and on those within reach of them, in rows and columns. */
function nearCells(cells: readonly number[], side: number): Uint8Array {
  const { width, height } = boundsOfCells(cells, side);
  const reach = Math.max(leastReachCells, Math.round(Math.max(width, height) * reachRatio));
  const near = new Uint8Array(side * side);
  for (const cell of cells) {
    const column = cell % side;
    const row = (cell - column) / side;
    const left = Math.max(0, column - reach);
    const right = Math.min(side, column + reach + 1);
    for (let y = Math.max(0, row - reach); y <= Math.min(side - 1, row + reach); y++) {
      near.fill(1, y * side + left, y * side + right);
    }
  }
  return near;
}
