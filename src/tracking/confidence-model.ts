/** The bias and one weight for each doubt, in log odds. */
export type ConfidenceModel = { readonly bias: number; readonly weights: readonly number[] };

/** Weights of `expectedIou`, written by `bench/fit-confidence.ts`; one for each doubt. */
export const confidenceModel: ConfidenceModel = {
  bias: 2.304,
  weights: [
    0.141, // unstable outline
    0.363, // candidates apart
    0.442, // looks apart
    1.398, // keyframe
    0.569, // presence
    0.113, // age
    0.818, // residual
    0.19, // area change
    1.142, // strain
    0.424, // travel
    1.221, // fuzz
    0.378, // refiner
  ],
};
