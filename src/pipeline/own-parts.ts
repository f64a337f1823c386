import type { Click } from '../frame/prompt.ts';
import { keepAttachedParts } from '../tracking/attached-parts.ts';
import type { DecodeRequest } from './ports.ts';

/**
 * A mask without parts that lie apart from the clicks that name its object. A box may mean parts
 * anywhere.
 *
 * @param logits float32[side, side]
 */
export function ownParts(
  logits: Float32Array,
  { clicks, box }: Pick<DecodeRequest, 'clicks' | 'box'>,
  side: number,
): Float32Array {
  return box === null ? keepAttachedParts(logits, clickedCells(clicks, side), side) : logits;
}

/** Whether a click, in fractions of a region, is inside of it. */
export function isInside({ x, y }: Click): boolean {
  return x >= 0 && y >= 0 && x <= 1 && y <= 1;
}

/** Index of the cell of a mask float32[side, side] that lies under a click inside its region. */
export function cellUnder({ x, y }: Click, side: number): number {
  const cell = (fraction: number) => Math.min(side - 1, Math.floor(fraction * side));
  return cell(y) * side + cell(x);
}

/** float32[side, side]: 1 under each positive click. */
function clickedCells(clicks: readonly Click[], side: number): Float32Array {
  const cells = new Float32Array(side * side);
  for (const click of clicks.filter(isInside)) {
    if (click.label === 'positive') cells[cellUnder(click, side)] = 1;
  }
  return cells;
}
