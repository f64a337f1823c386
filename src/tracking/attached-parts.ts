/**
 * Cells around the propagated mask that still count as touching it: a sixth of the object where the
 * region is twice its size. An occluder divides an object by less, a like object stands further off.
 */
const reachCells = 8;

/** Logit of what is cut away. */
const outside = -10;

/**
 * The decoder's mask without the parts that lie apart from the propagated one: the look of an object
 * says nothing about which of several like objects it is, but its place does. Where no part touches
 * the propagated mask, flow has lost the object and the mask stays whole.
 *
 * @param logits float32[side, side], row-major
 * @param prior propagated probabilities of the same region, float32[side, side]
 */
export function keepAttachedParts(
  logits: Float32Array,
  prior: Float32Array,
  side: number,
): Float32Array {
  const near = nearPrior(prior, side);
  const part = new Int32Array(side * side);
  const attached: boolean[] = [false];
  const stack: number[] = [];
  for (let start = 0; start < part.length; start++) {
    if ((logits[start] ?? 0) <= 0 || part[start] !== 0) continue;
    const label = attached.length;
    let touches = false;
    part[start] = label;
    stack.push(start);
    for (let cell = stack.pop(); cell !== undefined; cell = stack.pop()) {
      if (near[cell]) touches = true;
      for (const next of neighbours(cell, side)) {
        if ((logits[next] ?? 0) <= 0 || part[next] !== 0) continue;
        part[next] = label;
        stack.push(next);
      }
    }
    attached.push(touches);
  }
  if (!attached.includes(true)) return logits;
  return logits.map((logit, cell) => (logit > 0 && !attached[part[cell] ?? 0] ? outside : logit));
}

/** Cells within reach of the propagated mask. */
function nearPrior(prior: Float32Array, side: number): Uint8Array {
  const near = new Uint8Array(side * side);
  for (let cell = 0; cell < near.length; cell++) {
    if ((prior[cell] ?? 0) < 0.5) continue;
    const column = cell % side;
    const row = (cell - column) / side;
    for (let y = Math.max(0, row - reachCells); y <= Math.min(side - 1, row + reachCells); y++) {
      const left = Math.max(0, column - reachCells);
      near.fill(1, y * side + left, y * side + Math.min(side, column + reachCells + 1));
    }
  }
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
