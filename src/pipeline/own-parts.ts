import type { Click } from '../frame/prompt.ts';
import { keepAttachedParts } from '../tracking/attached-parts.ts';
import type { DecodeRequest } from './ports.ts';

/**
 * A mask without parts that lie apart from the object: from its propagated mask where it is tracked,
 * from the clicks alone that first name it. A box and a correction may mean parts anywhere.
 *
 * @param logits float32[side, side]
 */
export function ownParts(
  logits: Float32Array,
  { clicks, box, prior }: DecodeRequest,
  naming: 'tracked' | 'fresh' | 'correction',
  side: number,
): Float32Array {
  let anchors: Float32Array | null = null;
  if (naming === 'tracked') anchors = prior;
  else if (naming === 'fresh' && box === null) anchors = clickedCells(clicks, side);
  return anchors === null ? logits : keepAttachedParts(logits, anchors, side);
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
