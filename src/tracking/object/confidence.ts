import { sigmoid } from '../../frame/sigmoid.ts';
import { confidenceModel, type ConfidenceModel } from './confidence-model.ts';
import { followingModel } from './following-model.ts';

/**
 * How clearly a prompt named one thing, by what the model made of it. A click that took a part, or
 * more than was meant, is followed faithfully ever after, so this stays with the object until its
 * next prompt. Scores in [0, 1].
 */
export type PromptClarity = {
  /** IoU of a pass's mask at logits +1 and -1, mean of the passes: mask stability. */
  readonly stability: number;
  /** IoU of the first pass's mask with the candidate that is most like it. */
  readonly consensus: number;
  /**
   * IoU of a pass's mask with the next one's, the least of the passes taken: whole picture, zoomed
   * crop, flipped. Of several clicks only those passes count that saw all of them. 1 where there was
   * one.
   */
  readonly agreementIou: number;
};

/** The clarity of a given mask. */
export const certainPrompt: PromptClarity = {
  stability: 1,
  consensus: 1,
  agreementIou: 1,
};

/** What is known about one mask without knowing the truth. Ratios and scores lie in [0, 1]. */
export type MaskEvidence = {
  readonly prompt: PromptClarity;
  /** IoU that the model predicted on the keyframe; 1 for a mask that was given. */
  readonly keyframeIou: number;
  /** Probability that the object is in the picture, from the keyframe. */
  readonly presence: number;
  /** Seconds of video since the keyframe. */
  readonly ageSeconds: number;
  /** Mean photometric residual under the mask since the keyframe, 0..1 of the grey range. */
  readonly residualRatio: number;
  /** Pixels of the mask at analysis size. */
  readonly areaPixels: number;
  /** |ln(area / area on the keyframe)|. */
  readonly areaChange: number;
  /** Non-rigid motion since the keyframe; see the function of that name. */
  readonly nonRigidMotion: number;
  /** Path length of the flow under the mask since the keyframe over the square root of its area. */
  readonly pathLengthRatio: number;
  /** Mask uncertainty: share of its weight that is neither clearly in nor clearly out. */
  readonly uncertaintyRatio: number;
  /** IoU that the refiner expects of this mask; null where it did not run. */
  readonly refinedIou: number | null;
};

/**
 * Pixels from which a mask is large: of a smaller one the outline, where masks err, is a larger
 * share. Bounded at 2,170 pixels, since the smallest objects of the clips it was fitted on are no
 * worse than small ones.
 */
const manyPixels = 16_000;

/** Names of the doubts that the model weighs, in the order of {@link confidenceDoubts}. */
export const confidenceDoubtNames = [
  'unstable outline',
  'candidates apart',
  'passes apart',
  'keyframe',
  'presence',
  'age',
  'residual',
  'area change',
  'non-rigid motion',
  'path length',
  'mask uncertainty',
  'refiner',
  'few pixels',
] as const;

/** What speaks against a mask: bounded numbers, each 0 where it has nothing to say. */
export function confidenceDoubts(evidence: MaskEvidence): number[] {
  const { prompt } = evidence;
  return [
    1 - prompt.stability,
    1 - prompt.consensus,
    1 - prompt.agreementIou,
    1 - evidence.keyframeIou,
    logOddsTo99(evidence.presence),
    Math.min(4, Math.log1p(evidence.ageSeconds * 8)),
    Math.min(1, evidence.residualRatio * 8),
    Math.min(2, evidence.areaChange),
    Math.min(1, evidence.nonRigidMotion),
    Math.min(3, evidence.pathLengthRatio),
    evidence.uncertaintyRatio,
    evidence.refinedIou === null ? 0 : 1 - evidence.refinedIou,
    Math.min(2, Math.max(0, Math.log(manyPixels / Math.max(1, evidence.areaPixels)))),
  ];
}

/**
 * Expected IoU of a mask, 0..1: the logistic function of a bias less the weighted doubts. The
 * weights are fitted with the true IoU as soft target (`tools/confidence/fit-confidence.ts`), so that it can be
 * read as an expectation; none is negative, so no doubt ever raises it. See docs/tracking.md.
 */
export function expectedIou(evidence: MaskEvidence): number {
  return weighDoubts(confidenceDoubts(evidence), confidenceModel);
}

/**
 * Expected IoU of a mask if its prompt was understood. What a keyframe or the refiner can mend: they
 * find the same thing again, whether or not it is the one that was meant.
 */
export function expectedIouOfFollowing(evidence: MaskEvidence): number {
  return weighDoubts(confidenceDoubts(evidence), followingModel);
}

/**
 * IoU that a mask loses where it touches its like, for each unit of {@link likeTouchRatios}: on films
 * with a mirrored twin of their object, less than where the twin stays away
 * (docs/experiments/2026-11-29-masks-that-touch.md).
 */
const lossPerLikeTouch = 0.25;

/**
 * Expected IoU of a mask of which a share is claimed by another object too, or that touches its like. Which of two rivals is
 * right is not known from their masks, so a contested pixel counts as right with probability 1/2; a
 * bound from symmetry, not a fitted weight. What touches is mostly what is contested, so the larger
 * doubt counts.
 */
export function contestedIou(
  iou: number,
  { contestedRatio, likeTouchRatio }: { contestedRatio: number; likeTouchRatio: number },
): number {
  return iou * (1 - Math.max(contestedRatio / 2, lossPerLikeTouch * likeTouchRatio));
}

/** The logistic function of the bias less the weighted doubts. */
export function weighDoubts(doubts: readonly number[], model: ConfidenceModel): number {
  let sum = model.bias;
  for (let i = 0; i < doubts.length; i++) sum -= (doubts[i] ?? 0) * (model.weights[i] ?? 0);
  return sigmoid(sum);
}

/** Log odds that a probability lacks to 99 %; one under 1 % says no more than that. */
function logOddsTo99(probability: number): number {
  const bounded = Math.min(0.99, Math.max(0.01, probability));
  return Math.log(99) - Math.log(bounded / (1 - bounded));
}
