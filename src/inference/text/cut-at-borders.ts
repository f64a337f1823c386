import { connectedParts, neighbours } from '../../frame/connected-parts.ts';
import type { Size } from '../../frame/geometry.ts';

/** Where two things of a kind touch. */
export type BorderMap = {
  /** float32[side, side], probabilities. */
  readonly probabilities: Float32Array;
  /** A cell belongs to a border from this probability on. */
  readonly minProbability: number;
};

/** Smaller cores, as a share of their part, are a wheel or an arm and no thing of their own. */
const minCoreShare = 0.1;

/**
 * One connected part as its things. What the borders leave of it are cores; every other cell goes
 * to the core that is nearest within the part. A part with fewer than two cores stays whole.
 *
 * @param cells cells of the part on a grid of `side` squared
 */
export function cutAtBorders(
  cells: readonly number[],
  border: BorderMap,
  side: number,
): number[][] {
  const grid = { width: side, height: side };
  const inner = new Uint8Array(side * side);
  const free = new Uint8Array(side * side);
  for (const cell of cells) {
    free[cell] = 1;
    inner[cell] = border.probabilities[cell]! < border.minProbability ? 1 : 0;
  }
  const cores = connectedParts(inner, grid, 8).filter(
    (core) => core.length >= minCoreShare * cells.length,
  );
  if (cores.length < 2) return [[...cells]];
  for (const cell of cores.flat()) free[cell] = 0;
  growInto(free, cores, grid);
  return cores;
}

/** Lets the things take free cells around them, one ring each at a time. */
function growInto(free: Uint8Array, things: readonly number[][], grid: Size): void {
  const read = things.map(() => 0);
  for (let grown = true; grown;) {
    grown = false;
    for (const [i, thing] of things.entries()) {
      const end = thing.length;
      for (let at = read[i]!; at < end; at++) {
        for (const next of neighbours(thing[at]!, grid, 8)) {
          if (free[next] === 0) continue;
          free[next] = 0;
          thing.push(next);
          grown = true;
        }
      }
      read[i] = end;
    }
  }
}
