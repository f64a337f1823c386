/** The bias and one weight for each doubt, in log odds. */
export type ConfidenceModel = { readonly bias: number; readonly weights: readonly number[] };

/** Weights of `expectedIou`, written by `tools/confidence/fit-confidence.ts`; one for each doubt. */
export const confidenceModel: ConfidenceModel = {
  bias: 2.778,
  weights: [
    0.361, // unstable outline
    0.464, // candidates apart
    1.311, // passes apart
    1.991, // keyframe
    0.351, // presence
    0.033, // age
    0.5, // residual
    0.548, // area change
    0.359, // non-rigid motion
    0.217, // path length
    1.159, // mask uncertainty
    1.103, // refiner
  ],
};
