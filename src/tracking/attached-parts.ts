/**
 * Farthest that a part may lie from what is surely the object, in longest sides of that: an occluder
 * divides an object by less, a like object stands further off.
 */
const reachRatio = 1 / 6;
const leastReachCells = 2;

/** Logit of what is cut away. */
const outside = -10;

/**
 * The decoder's mask without the parts that lie apart from what is surely the object: looks say
 * nothing about which of several like objects it is, but its place does. Sure are the parts that hold
 * an anchor cell; where none does, the mask stays whole.
 *
 * @param logits float32[side, side], row-major; a part is a 4-connected region above 0
 * @param isAnchor float32[side, side]: 0.5 and more where the object is known to be
 */
export function keepAttachedParts(
  logits: Float32Array,
  isAnchor: Float32Array,
  side: number,
): Float32Array {
  const { part, anchored } = labelParts(logits, isAnchor, side);
  if (!anchored.includes(true) || !anchored.slice(1).includes(false)) return logits;
  const sure = part.map((label) => (anchored[label] ? 1 : 0));
  const near = grown(sure, side, reachOf(sure, side));
  const kept = [...anchored];
  part.forEach((label, cell) => {
    if (near[cell]) kept[label] = true;
  });
  return logits.map((logit, cell) => (logit > 0 && !kept[part[cell]!] ? outside : logit));
}

/** The part of each cell, from 1; 0 outside. `anchored[0]` is false. */
function labelParts(
  logits: Float32Array,
  isAnchor: Float32Array,
  side: number,
): { part: Int32Array; anchored: boolean[] } {
  const part = new Int32Array(side * side);
  const anchored = [false];
  const stack: number[] = [];
  for (let start = 0; start < part.length; start++) {
    if (logits[start]! <= 0 || part[start] !== 0) continue;
    const label = anchored.push(false) - 1;
    part[start] = label;
    stack.push(start);
    for (let cell = stack.pop(); cell !== undefined; cell = stack.pop()) {
      if (isAnchor[cell]! >= 0.5) anchored[label] = true;
      for (const next of neighbours(cell, side)) {
        if (logits[next]! <= 0 || part[next] !== 0) continue;
        part[next] = label;
        stack.push(next);
      }
    }
  }
  return { part, anchored };
}

function reachOf(sure: Int32Array, side: number): number {
  let [left, top, right, bottom] = [side, side, 0, 0];
  sure.forEach((value, cell) => {
    if (value === 0) return;
    const column = cell % side;
    const row = (cell - column) / side;
    left = Math.min(left, column);
    right = Math.max(right, column + 1);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row + 1);
  });
  const longest = Math.max(right - left, bottom - top);
  return Math.max(leastReachCells, Math.round(longest * reachRatio));
}

/** Cells within `reach` of the given ones, in rows and columns. */
function grown(cells: Int32Array, side: number, reach: number): Uint8Array {
  const near = new Uint8Array(side * side);
  cells.forEach((value, cell) => {
    if (value === 0) return;
    const column = cell % side;
    const row = (cell - column) / side;
    for (let y = Math.max(0, row - reach); y <= Math.min(side - 1, row + reach); y++) {
      const left = Math.max(0, column - reach);
      near.fill(1, y * side + left, y * side + Math.min(side, column + reach + 1));
    }
  });
  return near;
}

function neighbours(cell: number, side: number): number[] {
  const column = cell % side;
  const found = [];
  if (column > 0) found.push(cell - 1);
  if (column < side - 1) found.push(cell + 1);
  if (cell >= side) found.push(cell - side);
  if (cell < side * (side - 1)) found.push(cell + side);
  return found;
}
