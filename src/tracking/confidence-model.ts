/**
 * Weights of {@link expectedIou}, in the order of `confidenceFeatureNames`. A first hand-set version:
 * trust the keyframe's prediction and lose trust with age, residual and change of shape.
 */
export const confidenceModel: { readonly bias: number; readonly weights: readonly number[] } = {
  bias: 0.2,
  weights: [0.6, 0.2, 0, 0.05, -0.35, -0.5, -0.8, -0.15, -1, 0.4, 0, 0],
};
