import type { RunLengthMask } from '../../frame/coco-rle.ts';
import { inFractions, type Box } from '../../frame/geometry.ts';
import { keyframeWeight } from '../../frame/slow-film.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import type { ColourHistogram } from './colour-histogram.ts';
import {
  certainPrompt,
  expectedIou,
  expectedIouOfFollowing,
  type MaskEvidence,
  type PromptClarity,
} from './confidence.ts';
import type { RedetectionState } from './redetection.ts';
import { measuresOf } from '../mask/measures.ts';
import type { RefineCrop } from '../mask/refine-window.ts';
import type { ObjectEvidence, Redetection } from '../tracker-types.ts';

/** The keyframe that a mask descends from, and what it said. */
export type SourceKeyframe = {
  readonly frameIndex: number;
  readonly timestampUs: number;
  /** Calibrated IoU; null for a mask that was given. */
  readonly predictedIou: number | null;
  readonly presence: number;
  /** Pixels at analysis size. */
  readonly area: number;
};

/**
 * One object on one frame. Immutable: each step makes the next one, so the history of a stream is a
 * list of references, and a correction starts from any of them.
 */
export type TrackedObject = {
  readonly objectId: number;
  readonly soft: SoftMask;
  readonly prompt: PromptClarity;
  /** Pixels of probability >= 1/2 at analysis size. */
  readonly area: number;
  /** The mask that the client gave for this very frame; answered as it came. */
  readonly given: RunLengthMask | null;
  /** Null until the object's first keyframe. */
  readonly sourceKeyframe: SourceKeyframe | null;
  /** What the refiner remembers of the last keyframe; null without a refiner. */
  readonly appearance: Float32Array | null;
  /** What the refiner is to see on this frame; null when it is not asked. */
  readonly cut: RefineCrop | null;
  readonly refinedIou: number | null;
  /** Photometric residual under the mask, summed over the frames since its source keyframe; 0..1 each. */
  readonly residualSum: number;
  readonly residualFrames: number;
  /** Path length of the mask's mean flow since its source keyframe, in analysis pixels. */
  readonly pathPixels: number;
  /** Confidence of the mask that its last keyframe left. */
  readonly keyframeConfidence: number;
  /** What {@link nonRigidMotion} said, summed over the frames since its source keyframe. */
  readonly nonRigidSum: number;
  /** Its colours; null until a keyframe showed it. */
  readonly histogram: ColourHistogram | null;
  /** Its re-detection; null while its mask is to be trusted, and before its first. */
  readonly redetection: RedetectionState | null;
  /** IoU that propagation has probably cost, summed over the frames since its source keyframe. */
  readonly lossSum: number;
};

/** An object that has no mask yet. */
export function newTrackedObject(objectId: number, soft: SoftMask): TrackedObject {
  return {
    objectId,
    soft,
    prompt: certainPrompt,
    area: 0,
    given: null,
    sourceKeyframe: null,
    appearance: null,
    cut: null,
    refinedIou: null,
    residualSum: 0,
    residualFrames: 0,
    pathPixels: 0,
    histogram: null,
    keyframeConfidence: 0,
    redetection: null,
    nonRigidSum: 0,
    lossSum: 0,
  };
}

/** Bounds of an object's mask, in fractions of the picture; null where it has none. */
export function boundsOf({ soft }: TrackedObject): Box | null {
  const { bounds } = measuresOf(soft);
  return bounds && inFractions(bounds, soft.size);
}

/** What is known about an object's mask at a time; see {@link MaskEvidence}. */
export function evidenceOf(object: TrackedObject, timestampUs: number): MaskEvidence {
  const sourceKeyframe = object.sourceKeyframe;
  return {
    prompt: object.prompt,
    keyframeIou: sourceKeyframe?.predictedIou ?? 1,
    presence: sourceKeyframe?.presence ?? 1,
    ageSeconds:
      sourceKeyframe === null ? 0 : Math.max(0, timestampUs - sourceKeyframe.timestampUs) / 1e6,
    residualRatio: object.residualFrames === 0 ? 0 : object.residualSum / object.residualFrames,
    areaPixels: object.area,
    areaChange:
      sourceKeyframe === null || sourceKeyframe.area === 0 || object.area === 0
        ? 0
        : Math.abs(Math.log(object.area / sourceKeyframe.area)),
    nonRigidMotion: object.nonRigidSum,
    pathLengthRatio: object.area === 0 ? 0 : object.pathPixels / Math.sqrt(object.area),
    uncertaintyRatio: measuresOf(object.soft).uncertaintyRatio,
    refinedIou: object.refinedIou,
  };
}

/**
 * Expected IoU of an object's mask. Without a mask it is the probability that the object is indeed
 * not there: then both the mask and the truth are empty and their IoU counts as 1.
 */
export function confidenceOf(object: TrackedObject, timestampUs: number): number {
  return confidenceBy(expectedIou, object, timestampUs);
}

/** The same if the object's prompt was understood; see {@link expectedIouOfFollowing}. */
export function followingConfidenceOf(object: TrackedObject, timestampUs: number): number {
  return confidenceBy(expectedIouOfFollowing, object, timestampUs);
}

/**
 * Probability that the object is in the picture: what the model said on the keyframe that last looked
 * for it. A mask cannot be right without its object, so there it is at least the mask's confidence.
 * Null before the first keyframe.
 */
export function presenceOf(object: TrackedObject, timestampUs: number): number | null {
  const { area, given, sourceKeyframe } = object;
  if (given !== null) return area > 0 ? 1 : 0;
  if (sourceKeyframe === null) return null;
  const { presence } = sourceKeyframe;
  return area === 0 ? presence : Math.max(presence, confidenceOf(object, timestampUs));
}

function confidenceBy(
  expected: (evidence: MaskEvidence) => number,
  object: TrackedObject,
  timestampUs: number,
): number {
  if (object.given !== null) return 1;
  if (object.sourceKeyframe === null) return 0;
  if (object.area === 0) return 1 - object.sourceKeyframe.presence;
  return expected(evidenceOf(object, timestampUs));
}

/** What a step says of an object. */
export function objectEvidence(object: TrackedObject, timestampUs: number): ObjectEvidence {
  const confidence = followingConfidenceOf(object, timestampUs);
  return {
    objectId: object.objectId,
    visible: object.area > 0,
    box: boundsOf(object),
    missing: object.redetection !== null,
    confidence,
    confidenceDrop: object.keyframeConfidence - confidence,
    lossSum: object.lossSum * lossWeight(object, timestampUs),
    redetection: object.redetection?.trigger ?? 'none',
  };
}

/** How much each loss counts, by the time between the frames over which the mask was carried. */
function lossWeight(
  { sourceKeyframe, residualFrames }: TrackedObject,
  timestampUs: number,
): number {
  if (sourceKeyframe === null) return 1;
  return keyframeWeight(residualFrames, timestampUs - sourceKeyframe.timestampUs);
}

/** Confidence under which a mask is probably not on its object. */
const doubtfulConfidence = 0.3;

/** Whether an object is to be re-detected: it has no mask, or one that is probably wrong. */
export function isMissing(object: TrackedObject, timestampUs: number): boolean {
  if (object.sourceKeyframe === null || object.given !== null) return false;
  return object.area === 0 || followingConfidenceOf(object, timestampUs) < doubtfulConfidence;
}

/** How a keyframe re-detects an object; without delay, where it has just vanished. */
export function redetectionOf({ area, redetection }: TrackedObject): Redetection {
  const waits = redetection !== null && redetection.trigger === 'none' && redetection.misses > 0;
  const place = waits ? null : (redetection?.place ?? null);
  if (area > 0) return { kind: waits ? 'kept' : 'visible', place };
  return { kind: redetection === null || waits ? 'not-now' : 'hidden', place };
}
