import type { Box } from '../../frame/geometry.ts';
import {
  changedShare,
  findResemblance,
  type ColourLook,
  type ColourSamples,
} from './colour-histogram.ts';

/** Frames from hiding to the first search that the object alone asks for; doubled by each miss. */
const firstGapFrames = 4;
/** Longest pause between searches in a picture that changes. */
const longestGapFrames = 120;
/** The same for an object that has a mask: the model may mend it. */
const longestDoubtFrames = 8;
/** Resemblance under which the object is hardly there, ... */
const absentScore = 0.15;
/** ... so that searches which only time asks for are so many times as rare. */
const absentFactor = 4;
/** Frames between searches that a resemblance asks for. */
const leastGapFrames = 2;

/** Resemblance from which the object may be back ... */
const backScore = 0.45;
/** ... if it rose by so much since the last miss: what resembles the object has been looked at. */
const clearRise = 0.2;

/** Side, in fractions of the picture, under which an object is looked for close up. */
const smallSide = 0.15;

/** Share of the object's area that must have changed before anything can have come back. */
const leastChange = 0.25;

/** The search for an object that has no mask, or one that is probably wrong. Immutable. */
export type HiddenSearch = {
  /** Frame of the last look, or that on which the object hid. */
  readonly lastFrame: number;
  readonly gapFrames: number;
  readonly misses: number;
  /** The picture that was looked at in vain; null before. */
  readonly missed: ColourSamples | null;
  /** Lowest resemblance since the last look: what is above it is new. */
  readonly baseline: number;
  /** `due`: to be looked for; `urgent`: something like it has turned up. */
  readonly urge: 'none' | 'due' | 'urgent';
  /** Where a small object's colours are, in fractions; null where they are not, or it is large. */
  readonly place: Box | null;
  readonly score: number;
};

/** The search for an object that has just lost its mask. */
export function startSearch(frameIndex: number): HiddenSearch {
  return {
    lastFrame: frameIndex,
    gapFrames: firstGapFrames,
    misses: 0,
    missed: null,
    baseline: Number.POSITIVE_INFINITY,
    urge: 'none',
    place: null,
    score: 0,
  };
}

/**
 * Judges a frame by its colours: whether the model should look for the object on it.
 *
 * @param object its look, and the area of the mask that it has, 0 where it has none
 */
export function judgeSearch(
  search: HiddenSearch,
  frame: { readonly index: number; readonly samples: ColourSamples },
  { look, area }: { readonly look: ColourLook | null; readonly area: number },
): HiddenSearch {
  const { samples, index } = frame;
  const seen = look && findResemblance(samples, look);
  const score = seen?.score ?? 0;
  const waited = index - search.lastFrame;
  const size = look === null ? 0 : look.side.width * look.side.height;
  const isNew = search.missed === null || changedShare(samples, search.missed) > leastChange * size;
  const isBack =
    score >= backScore && score >= search.baseline + clearRise && waited >= leastGapFrames;
  const pause = search.gapFrames * (look !== null && score < absentScore ? absentFactor : 1);
  const isDue = waited >= Math.min(area > 0 ? longestDoubtFrames : longestGapFrames, pause);
  const urge = !isNew ? 'none' : isBack ? 'urgent' : isDue ? 'due' : 'none';
  return {
    ...search,
    score,
    place: seen !== null && score >= backScore && isSmall(seen.place) ? seen.place : null,
    baseline: Math.min(search.baseline, score),
    urge,
  };
}

/** A small object is lost in the whole picture at the model's resolution. */
function isSmall(box: Box): boolean {
  return Math.max(box.width, box.height) < smallSide;
}

/** The search after the model looked on a frame and did not find the object. */
export function missSearch(
  search: HiddenSearch,
  frame: { readonly index: number; readonly samples: ColourSamples | null },
): HiddenSearch {
  return {
    ...search,
    lastFrame: frame.index,
    gapFrames: Math.min(longestGapFrames, 2 * search.gapFrames),
    misses: search.misses + 1,
    missed: frame.samples,
    baseline: search.score,
    urge: 'none',
  };
}
