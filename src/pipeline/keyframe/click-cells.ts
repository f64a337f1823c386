import type { Click } from '../../frame/prompt.ts';

/** Whether a click, in fractions of a region, is inside of it. */
export function isInside({ x, y }: Click): boolean {
  return x >= 0 && y >= 0 && x <= 1 && y <= 1;
}

/** Index of the cell of a mask float32[side, side] that lies under a click inside its region. */
export function cellUnder({ x, y }: Click, side: number): number {
  const cell = (fraction: number) => Math.min(side - 1, Math.floor(fraction * side));
  return cell(y) * side + cell(x);
}
