/** The bias and one weight for each doubt, in log odds. */
export type ConfidenceModel = { readonly bias: number; readonly weights: readonly number[] };

/** Weights of `expectedIou`, written by `bench/fit-confidence.ts`; one for each doubt. */
export const confidenceModel: ConfidenceModel = {
  bias: 2.268,
  weights: [
    0.2, // unstable outline
    0.838, // candidates apart
    0.429, // looks apart
    1.604, // keyframe
    0.64, // presence
    0.013, // age
    0.228, // residual
    0.512, // area change
    0.435, // strain
    0.433, // travel
    1.037, // fuzz
    0.893, // refiner
  ],
};
