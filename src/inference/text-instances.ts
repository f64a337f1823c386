import { colourOf, type Colour } from './colour.ts';
import type { Picture } from './picture.ts';
import type { TextInstance } from './requests.ts';

/** Probability map of one noun over the whole picture, and what to make of it. */
export type NounMap = {
  readonly noun: string;
  /** float32[side, side], probabilities. */
  readonly probabilities: Float32Array;
  readonly side: number;
  readonly minProbability: number;
  /** Smallest instance, as a share of the picture. */
  readonly minAreaRatio: number;
};

/** Colours that an instance must show; its pixels are judged, not the model's opinion. */
export type ColourQuery = { readonly colours: readonly Colour[]; readonly picture: Picture };

/**
 * Share of an instance that its colours must cover: a red car is red on little more than its doors
 * and bonnet; glass, tyres and shade take the rest.
 */
const minColourShare = 0.25;

/**
 * The connected parts of a noun's map as instances, best first. The score is the mean probability
 * of a part, times the share of its pixels that show the asked colours.
 */
export function findInstances(map: NounMap, query: ColourQuery): TextInstance[] {
  const instances: TextInstance[] = [];
  for (const cells of connectedParts(map)) {
    if (cells.length < map.minAreaRatio * map.side * map.side) continue;
    const share = colourShare(cells, map.side, query);
    if (share < minColourShare) continue;
    let total = 0;
    for (const cell of cells) total += map.probabilities[cell]!;
    const score = (total / cells.length) * share;
    instances.push({ box: boundsOf(cells, map.side), score, noun: map.noun });
  }
  return instances.toSorted((a, b) => b.score - a.score);
}

/** Cells of each 8-connected part at or above the threshold, in scan order. */
function connectedParts({ probabilities, side, minProbability }: NounMap): number[][] {
  const seen = new Uint8Array(side * side);
  const parts: number[][] = [];
  for (let start = 0; start < seen.length; start++) {
    if (seen[start] || !(probabilities[start]! >= minProbability)) continue;
    seen[start] = 1;
    const cells = [start];
    // The list grows while it is read: a queue without shifting.
    for (const cell of cells) {
      for (const next of neighbours(cell, side)) {
        if (seen[next] || !(probabilities[next]! >= minProbability)) continue;
        seen[next] = 1;
        cells.push(next);
      }
    }
    parts.push(cells);
  }
  return parts;
}

function neighbours(cell: number, side: number): number[] {
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

function boundsOf(cells: readonly number[], side: number): TextInstance['box'] {
  let [left, top, right, bottom] = [side, side, 0, 0];
  for (const cell of cells) {
    const x = cell % side;
    const y = Math.floor(cell / side);
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  }
  return {
    x: left / side,
    y: top / side,
    width: (right - left) / side,
    height: (bottom - top) / side,
  };
}

/** Share of the cells whose centre pixel has one of the colours; 1 where none is asked for. */
function colourShare(cells: readonly number[], side: number, query: ColourQuery): number {
  if (query.colours.length === 0) return 1;
  const { width, height } = query.picture.size;
  const { data } = query.picture;
  const blue = width * height;
  const red = blue + blue / 4;
  let shown = 0;
  for (const cell of cells) {
    const x = Math.floor((((cell % side) + 0.5) * width) / side);
    const y = Math.floor(((Math.floor(cell / side) + 0.5) * height) / side);
    const chroma = (y >> 1) * (width / 2) + (x >> 1);
    const colour = colourOf(data[y * width + x]!, data[blue + chroma]!, data[red + chroma]!);
    if (query.colours.includes(colour)) shown++;
  }
  return shown / cells.length;
}
