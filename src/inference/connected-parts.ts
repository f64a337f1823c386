/** Cells of each 8-connected part of a square grid, in scan order; `inside` is 1 on its cells. */
export function connectedParts(inside: Uint8Array, side: number): number[][] {
  const left = Uint8Array.from(inside);
  const parts: number[][] = [];
  for (let start = 0; start < left.length; start++) {
    if (left[start] === 0) continue;
    left[start] = 0;
    const cells = [start];
    // The list grows while it is read: a queue without shifting.
    for (const cell of cells) {
      for (const next of neighbours(cell, side)) {
        if (left[next] === 0) continue;
        left[next] = 0;
        cells.push(next);
      }
    }
    parts.push(cells);
  }
  return parts;
}

/** The cell itself and the up to eight around it. */
export function neighbours(cell: number, side: number): number[] {
  const x = cell % side;
  const y = Math.floor(cell / side);
  const found: number[] = [];
  for (let row = Math.max(0, y - 1); row <= Math.min(side - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(side - 1, x + 1); column++) {
      found.push(row * side + column);
    }
  }
  return found;
}
