import { confidenceModel } from './confidence-model.ts';
import { sigmoid } from './model-mask.ts';

/** What is known about one mask without knowing the truth. Ratios and scores lie in [0, 1]. */
export type MaskEvidence = {
  /** IoU that the model predicted on the keyframe; 1 for a mask that was given. */
  readonly anchorIou: number;
  /** IoU of the keyframe's mask with the propagated mask that it replaced; null on the first. */
  readonly agreementIou: number | null;
  /** Probability that the object is in the picture, from the keyframe. */
  readonly presence: number;
  /** Seconds of video since the keyframe. */
  readonly ageSeconds: number;
  /** Mean photometric residual under the mask since the keyframe, 0..1 of the grey range. */
  readonly residualRatio: number;
  /** |ln(area / area on the keyframe)|. */
  readonly areaChange: number;
  /** Path of the flow under the mask since the keyframe over the square root of its area. */
  readonly travelRatio: number;
  /** Share of the mask's weight that is neither clearly in nor clearly out. */
  readonly fuzzRatio: number;
  /** IoU that the refiner expects of this mask; null where it did not run. */
  readonly refinedIou: number | null;
};

/** Names of the numbers that the model weighs, in the order of {@link confidenceFeatures}. */
export const confidenceFeatureNames = [
  'anchor',
  'agreement',
  'agreementKnown',
  'presence',
  'age',
  'residual',
  'areaChange',
  'travel',
  'fuzz',
  'refined',
  'refinedKnown',
  'refinedAge',
] as const;

/** The numbers that the model weighs: bounded, and 0 where nothing speaks against the mask. */
export function confidenceFeatures(evidence: MaskEvidence): number[] {
  const age = Math.log1p(evidence.ageSeconds * 8);
  return [
    logit(evidence.anchorIou),
    evidence.agreementIou === null ? 0 : logit(evidence.agreementIou),
    evidence.agreementIou === null ? 0 : 1,
    logit(evidence.presence),
    age,
    Math.min(1, evidence.residualRatio * 8),
    Math.min(2, evidence.areaChange),
    Math.min(3, evidence.travelRatio),
    evidence.fuzzRatio,
    evidence.refinedIou === null ? 0 : logit(evidence.refinedIou),
    evidence.refinedIou === null ? 0 : 1,
    evidence.refinedIou === null ? 0 : age,
  ];
}

/**
 * Expected IoU of a mask, 0..1: a logistic regression with soft targets (the true IoU) on held-out
 * training clips, so that it can be read as an expectation. See docs/tracking.md for its calibration.
 */
export function expectedIou(evidence: MaskEvidence): number {
  const features = confidenceFeatures(evidence);
  let sum = confidenceModel.bias;
  for (let i = 0; i < features.length; i++) {
    sum += (features[i] ?? 0) * (confidenceModel.weights[i] ?? 0);
  }
  return sigmoid(sum);
}

/** Log odds, kept finite: scores under 1 % or over 99 % say no more than that. */
function logit(score: number): number {
  const bounded = Math.min(0.99, Math.max(0.01, score));
  return Math.log(bounded / (1 - bounded));
}
