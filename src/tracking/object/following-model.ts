import type { ConfidenceModel } from './confidence-model.ts';

/**
 * Weights of `expectedIouOfFollowing`, one for each doubt of the propagation. What it decides, when a
 * keyframe is due and which mask is lost, was tuned with these; they do not follow a new fit of the
 * confidence that clients see.
 */
export const followingModel: ConfidenceModel = {
  bias: 2.778,
  weights: [
    0, // unstable outline
    0, // candidates apart
    0, // passes apart
    1.991, // keyframe
    0.351, // presence
    0.033, // age
    0.5, // residual
    0.548, // area change
    0.359, // non-rigid motion
    0.217, // path length
    1.159, // mask uncertainty
    1.103, // refiner
    0, // few pixels
  ],
};
