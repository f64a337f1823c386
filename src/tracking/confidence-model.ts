/** The bias and one weight for each doubt, in log odds. */
export type ConfidenceModel = { readonly bias: number; readonly weights: readonly number[] };

/** Weights of `expectedIou`, written by `bench/fit-confidence.ts`; one for each doubt. */
export const confidenceModel: ConfidenceModel = {
  bias: 2.701,
  weights: [
    0.34, // unstable outline
    0.479, // candidates apart
    1.211, // looks apart
    1.992, // keyframe
    0.529, // presence
    0.043, // age
    0.348, // residual
    0.469, // area change
    0.255, // strain
    0.198, // travel
    0.991, // fuzz
    1.179, // refiner
  ],
};
