/** The bias and one weight for each doubt, in log odds. */
export type ConfidenceModel = { readonly bias: number; readonly weights: readonly number[] };

/** Weights of `expectedIou`, written by `tools/confidence/fit-confidence.ts`; one for each doubt. */
export const confidenceModel: ConfidenceModel = {
  bias: 2.583,
  weights: [
    0.559, // unstable outline
    0.766, // candidates apart
    0.915, // passes apart
    1.64, // keyframe
    0.354, // presence
    0.001, // age
    0.567, // residual
    0.395, // area change
    0.329, // non-rigid motion
    0.157, // path length
    1.227, // mask uncertainty
    0.786, // refiner
    0.159, // few pixels
  ],
};
