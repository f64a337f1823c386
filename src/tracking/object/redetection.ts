import type { Box } from '../../frame/geometry.ts';
import { plannedFrames } from '../../frame/slow-film.ts';
import {
  changedRatio,
  backProject,
  searchedSides,
  type ColourHistogram,
  type ColourSamples,
} from './colour-histogram.ts';

/**
 * Frames from hiding to the first re-detection that the object alone asks for; doubled by each miss. All
 * gaps are counted as keyframes are: in frames of usual film, see {@link plannedFrames}.
 */
const firstGapFrames = 4;
/** Longest back-off between re-detections in a picture that changes. */
const longestGapFrames = 120;
/** The same for an object that has a mask: the model may mend it. */
const longestDoubtFrames = 8;
/** Resemblance under which the object is hardly there, ... */
const absentScore = 0.15;
/** ... so that re-detections which only time asks for are so many times as rare. */
const absentFactor = 4;
/** Frames between re-detections that a resemblance asks for. */
const leastGapFrames = 2;

/** Resemblance from which the object may be back ... */
const backScore = 0.45;
/** ... if it rose by so much since the last miss: what resembles the object was decoded then. */
const clearRise = 0.2;

/** Side, in fractions of the picture, under which an object is re-detected in a zoomed crop. */
const smallSide = 0.15;

/** Share of the object's area that must have changed before anything can have come back. */
const leastChange = 0.25;

/**
 * Re-detection, with back-off, of an object that has no mask, or one that is probably wrong.
 * Immutable.
 */
export type RedetectionState = {
  /** Frame of the last attempt, or that on which the object hid. */
  readonly last: { readonly index: number; readonly timestampUs: number };
  readonly gapFrames: number;
  readonly misses: number;
  /** The picture of the last attempt, in vain; null before. */
  readonly missed: ColourSamples | null;
  /** Lowest resemblance since the last attempt: what is above it is new. */
  readonly baseline: number;
  /** `due`: an attempt is due; `urgent`: something like it has turned up. */
  readonly trigger: 'none' | 'due' | 'urgent';
  /** Where a small object's colours are, in fractions; null where they are not, or it is large. */
  readonly place: Box | null;
  readonly score: number;
};

/** A frame and the colours that it has; null where its pixels are gone. */
export type ColouredFrame<Samples extends ColourSamples | null = ColourSamples> = {
  readonly index: number;
  readonly timestampUs: number;
  readonly samples: Samples;
};

/** Re-detection of an object that has just lost its mask. */
export function startRedetection({
  index,
  timestampUs,
}: Pick<ColouredFrame, 'index' | 'timestampUs'>): RedetectionState {
  return {
    last: { index, timestampUs },
    gapFrames: firstGapFrames,
    misses: 0,
    missed: null,
    baseline: Number.POSITIVE_INFINITY,
    trigger: 'none',
    place: null,
    score: 0,
  };
}

/**
 * Judges a frame by its colours: whether the model should try to re-detect the object on it.
 *
 * @param object its histogram, and the area of the mask that it has, 0 where it has none
 */
export function judgeRedetection(
  redetection: RedetectionState,
  frame: ColouredFrame,
  { histogram, area }: { readonly histogram: ColourHistogram | null; readonly area: number },
): RedetectionState {
  const { samples } = frame;
  const seen = histogram && backProject(samples, histogram);
  const score = seen?.score ?? 0;
  const { last } = redetection;
  const waited = plannedFrames(frame.index - last.index, frame.timestampUs - last.timestampUs);
  const size = histogram === null ? 0 : leastSize(histogram);
  const isNew =
    redetection.missed === null || changedRatio(samples, redetection.missed) > leastChange * size;
  const isBack =
    score >= backScore && score >= redetection.baseline + clearRise && waited >= leastGapFrames;
  const pause =
    redetection.gapFrames * (histogram !== null && score < absentScore ? absentFactor : 1);
  const isDue = waited >= Math.min(area > 0 ? longestDoubtFrames : longestGapFrames, pause);
  const trigger = !isNew ? 'none' : isBack ? 'urgent' : isDue ? 'due' : 'none';
  return {
    ...redetection,
    score,
    place: seen !== null && score >= backScore && isSmall(seen.place) ? seen.place : null,
    baseline: Math.min(redetection.baseline, score),
    trigger,
  };
}

/** Share of the picture that the object has where it is as small as it is looked for. */
function leastSize(histogram: ColourHistogram): number {
  return Math.min(...searchedSides(histogram).map(({ width, height }) => width * height));
}

/** A small object is lost in the whole picture at the model's resolution. */
function isSmall(box: Box): boolean {
  return Math.max(box.width, box.height) < smallSide;
}

/** Re-detection after the model did not find the object on a frame: the next pause doubles. */
export function missRedetection(
  redetection: RedetectionState,
  { index, timestampUs, samples }: ColouredFrame<ColourSamples | null>,
): RedetectionState {
  return {
    ...redetection,
    last: { index, timestampUs },
    gapFrames: Math.min(longestGapFrames, 2 * redetection.gapFrames),
    misses: redetection.misses + 1,
    missed: samples,
    baseline: redetection.score,
    trigger: 'none',
  };
}
