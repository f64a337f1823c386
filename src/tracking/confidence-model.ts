/**
 * Weights of {@link expectedIou}, in the order of `confidenceFeatureNames`. Set by hand: trust the
 * keyframe's prediction and the refiner's, and lose trust with age, residual, blur and change of
 * shape. The bias is fitted on the held-out training clips (`bench/fit-confidence.ts`); fitted
 * weights were tried and rank bad masks worse, as five clips hold too few of them.
 */
export const confidenceModel: { readonly bias: number; readonly weights: readonly number[] } = {
  bias: 0.43,
  weights: [0.6, 0.2, 0, 0.05, -0.35, -0.5, -0.8, -0.15, -1, 0.4, 0, 0],
};
