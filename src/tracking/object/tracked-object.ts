import type { Mask } from '../../frame/mask.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import type { ColourLook } from './colour-histogram.ts';
import {
  certainPrompt,
  expectedIou,
  expectedIouOfFollowing,
  type MaskEvidence,
  type PromptClarity,
} from './confidence.ts';
import type { HiddenSearch } from './redetection.ts';
import { measuresOf } from '../mask/measures.ts';
import type { RefineCrop } from '../mask/refine-window.ts';
import type { ObjectEvidence, SoughtObject } from '../tracker-types.ts';

/** What the keyframe said that a mask descends from. */
export type Anchor = {
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
  readonly given: Mask | null;
  /** Null until the object's first keyframe. */
  readonly anchor: Anchor | null;
  /** What the refiner remembers of the last keyframe; null without a refiner. */
  readonly appearance: Float32Array | null;
  /** What the refiner is to see on this frame; null when it is not asked. */
  readonly cut: RefineCrop | null;
  readonly refinedIou: number | null;
  /** Photometric residual under the mask, summed over the frames since the anchor; 0..1 each. */
  readonly residualSum: number;
  readonly residualFrames: number;
  /** Path length of the mask's mean flow since the anchor, in analysis pixels. */
  readonly travelPixels: number;
  /** Confidence of the mask that its last keyframe left. */
  readonly keyframeConfidence: number;
  /** What {@link strainOf} said, summed over the frames since the anchor. */
  readonly strainSum: number;
  /** What it looks like at a glance; null until a keyframe showed it. */
  readonly look: ColourLook | null;
  /** The search for it; null while its mask is to be trusted, and before its first. */
  readonly search: HiddenSearch | null;
  /** IoU that propagation has probably cost, summed over the frames since the anchor. */
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
    anchor: null,
    appearance: null,
    cut: null,
    refinedIou: null,
    residualSum: 0,
    residualFrames: 0,
    travelPixels: 0,
    look: null,
    keyframeConfidence: 0,
    search: null,
    strainSum: 0,
    lossSum: 0,
  };
}

/** What is known about an object's mask at a time; see {@link MaskEvidence}. */
export function evidenceOf(object: TrackedObject, timestampUs: number): MaskEvidence {
  const anchor = object.anchor;
  return {
    prompt: object.prompt,
    anchorIou: anchor?.predictedIou ?? 1,
    presence: anchor?.presence ?? 1,
    ageSeconds: anchor === null ? 0 : Math.max(0, timestampUs - anchor.timestampUs) / 1e6,
    residualRatio: object.residualFrames === 0 ? 0 : object.residualSum / object.residualFrames,
    areaChange:
      anchor === null || anchor.area === 0 || object.area === 0
        ? 0
        : Math.abs(Math.log(object.area / anchor.area)),
    strain: object.strainSum,
    travelRatio: object.area === 0 ? 0 : object.travelPixels / Math.sqrt(object.area),
    fuzzRatio: measuresOf(object.soft).fuzzRatio,
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

function confidenceBy(
  expected: (evidence: MaskEvidence) => number,
  object: TrackedObject,
  timestampUs: number,
): number {
  if (object.given !== null) return 1;
  if (object.anchor === null) return 0;
  if (object.area === 0) return 1 - object.anchor.presence;
  return expected(evidenceOf(object, timestampUs));
}

/** What a step says of an object. */
export function objectEvidence(object: TrackedObject, timestampUs: number): ObjectEvidence {
  const confidence = followingConfidenceOf(object, timestampUs);
  return {
    objectId: object.objectId,
    visible: object.area > 0,
    missing: object.search !== null,
    confidence,
    confidenceDrop: object.keyframeConfidence - confidence,
    lossSum: object.lossSum,
    search: object.search?.urge ?? 'none',
  };
}

/** Confidence under which a mask is probably not on its object. */
const doubtfulConfidence = 0.3;

/** Whether an object is to be looked for: it has no mask, or one that is probably wrong. */
export function isMissing(object: TrackedObject, timestampUs: number): boolean {
  if (object.anchor === null || object.given !== null) return false;
  return object.area === 0 || followingConfidenceOf(object, timestampUs) < doubtfulConfidence;
}

/** How a keyframe asks the model about an object; it looks at once for what has just vanished. */
export function soughtNow({ area, search }: TrackedObject): SoughtObject {
  const waits = search !== null && search.urge === 'none' && search.misses > 0;
  const place = waits ? null : (search?.place ?? null);
  if (area > 0) return { kind: waits ? 'kept' : 'visible', place };
  return { kind: search === null || waits ? 'not-now' : 'hidden', place };
}
