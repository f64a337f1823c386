/** The bias and one weight for each doubt, in log odds. */
export type ConfidenceModel = { readonly bias: number; readonly weights: readonly number[] };

/** Weights of `expectedIou`, written by `bench/fit-confidence.ts`; one for each doubt. */
export const confidenceModel: ConfidenceModel = {
  bias: 2.732,
  weights: [
    0.349, // unstable outline
    0.475, // candidates apart
    1.232, // looks apart
    1.937, // keyframe
    0.441, // presence
    0.031, // age
    0.431, // residual
    0.533, // area change
    0.342, // strain
    0.231, // travel
    1.021, // fuzz
    1.119, // refiner
  ],
};
