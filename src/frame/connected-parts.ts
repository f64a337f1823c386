import type { Box, Size } from './geometry.ts';

/** Which cells around one count as its neighbours: those beside it, or those at its corners too. */
export type Connectivity = 4 | 8;

/** Cells of each connected part of a grid, in scan order; `inside` is not 0 on its cells. */
export function connectedParts(
  inside: Uint8Array,
  size: Size,
  connectivity: Connectivity,
): number[][] {
  const left = Uint8Array.from(inside);
  const parts: number[][] = [];
  for (let start = 0; start < left.length; start++) {
    if (left[start] === 0) continue;
    left[start] = 0;
    const cells = [start];
    // The list grows while it is read: a queue without shifting.
    for (const cell of cells) {
      for (const next of neighbours(cell, size, connectivity)) {
        if (left[next] === 0) continue;
        left[next] = 0;
        cells.push(next);
      }
    }
    parts.push(cells);
  }
  return parts;
}

/** The cells around one, and with 8 of them the cell itself too. */
export function neighbours(
  cell: number,
  { width, height }: Size,
  connectivity: Connectivity,
): number[] {
  const x = cell % width;
  const y = (cell - x) / width;
  const found: number[] = [];
  if (connectivity === 4) {
    if (x > 0) found.push(cell - 1);
    if (x + 1 < width) found.push(cell + 1);
    if (y > 0) found.push(cell - width);
    if (y + 1 < height) found.push(cell + width);
    return found;
  }
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
      found.push(row * width + column);
    }
  }
  return found;
}

/** Tight bounds of at least one cell, in cells. */
export function boundsOfCells(cells: readonly number[], gridWidth: number): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
  for (const cell of cells) {
    const x = cell % gridWidth;
    const y = Math.floor(cell / gridWidth);
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}
