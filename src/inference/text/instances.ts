import { colourOf, type Colour } from './colour.ts';
import { boundsOfCells, connectedParts } from '../../frame/connected-parts.ts';
import { cutAtBorders, type BorderMap } from './cut-at-borders.ts';
import type { Picture } from '../picture.ts';
import type { TextInstance } from '../../frame/ports.ts';

/** Probability map of one noun over the whole picture, and what to make of it. */
export type NounMap = {
  readonly noun: string;
  /** float32[side, side], probabilities. */
  readonly probabilities: Float32Array;
  readonly side: number;
  readonly minProbability: number;
  /** Smallest instance, as a share of the picture. */
  readonly minAreaRatio: number;
  /** Where things of the kind touch, on the same grid; null joins what touches. */
  readonly border: BorderMap | null;
};

/** Colours that an instance must show; its pixels are judged, not the model's opinion. */
export type ColourQuery = {
  readonly colours: readonly Colour[];
  readonly picture: Picture;
  /** Least score, 0..1. Default: by the noun's least probability. */
  readonly minScore?: number;
};

/**
 * Least score of an instance where nobody asks for another: 0.65 for most nouns, by the F1 of findings
 * in held-out photographs (docs/experiments/2026-11-29-text.md). Things have cells that
 * the model is sure of; road paint, shades and slivers at a border are half believed in everywhere.
 * Scores are products of two probabilities, so for a noun of low ones it falls with their square.
 */
function defaultMinScore(minProbability: number): number {
  return 1.3 * minProbability * Math.min(1, 2 * minProbability);
}

/**
 * Share of an instance that its colours must cover: a red car is red on little more than its doors
 * and bonnet; glass, tyres and shade take the rest.
 */
const minColourShare = 0.25;

/**
 * The connected parts of a noun's map as instances, cut at its borders, best first. The score says how
 * certain the noun is: the mean probability of a part times its highest. Colours choose and order, but
 * never make up for a noun that is not there.
 */
export function findInstances(map: NounMap, query: ColourQuery): TextInstance[] {
  const { minScore = defaultMinScore(map.minProbability) } = query;
  const found: (TextInstance & { readonly rank: number })[] = [];
  for (const cells of partsOf(map)) {
    if (cells.length < map.minAreaRatio * map.side * map.side) continue;
    const share = colourShare(cells, map.side, query);
    const score = certainty(cells, map.probabilities);
    if (share < minColourShare || score < minScore) continue;
    found.push({ box: boundsOf(cells, map.side), score, noun: map.noun, rank: score * share });
  }
  return found
    .toSorted((a, b) => b.rank - a.rank)
    .map(({ box, score, noun }) => ({ box, score, noun }));
}

/** Mean probability of the cells times the highest. */
function certainty(cells: readonly number[], probabilities: Float32Array): number {
  let total = 0;
  let highest = 0;
  for (const cell of cells) {
    total += probabilities[cell]!;
    highest = Math.max(highest, probabilities[cell]!);
  }
  return (total / cells.length) * highest;
}

/** Cells of each instance: parts at or above the threshold, cut where two of a kind touch. */
function partsOf({ probabilities, side, minProbability, border }: NounMap): number[][] {
  const inside = Uint8Array.from(probabilities, (value) => (value >= minProbability ? 1 : 0));
  const parts = connectedParts(inside, { width: side, height: side }, 8);
  return border === null ? parts : parts.flatMap((part) => cutAtBorders(part, border, side));
}

function boundsOf(cells: readonly number[], side: number): TextInstance['box'] {
  const { x, y, width, height } = boundsOfCells(cells, side);
  return { x: x / side, y: y / side, width: width / side, height: height / side };
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
