import type { ConfidenceModel } from '../../src/tracking/object/confidence-model.ts';
import { weighDoubts } from '../../src/tracking/object/confidence.ts';

/** One mask: what speaks against it, its true IoU, and how much it counts. */
export type WeightedSample = {
  readonly doubts: readonly number[];
  readonly iou: number;
  readonly weight: number;
};

/**
 * Pull of each weight towards the mean of all, doubts in units of their standard deviation. With few
 * bad masks the data cannot say which doubt matters most; that all matter alike is then the better
 * guess (Dawes, "The robust beauty of improper linear models", 1979).
 */
const ridge = 0.2;
const sweeps = 60;

/**
 * Logistic regression with soft targets (the true IoU) and weights of at least 0, by coordinate
 * descent with Newton steps. The same samples give the same weights.
 */
export function fitWeights(samples: readonly WeightedSample[]): ConfidenceModel {
  const count = samples[0]?.doubts.length ?? 0;
  const total = samples.reduce((sum, { weight }) => sum + weight, 0);
  const scales = Array.from({ length: count }, (_, k) => deviation(samples, k));
  const scaled = samples.map((sample) => ({
    ...sample,
    doubts: sample.doubts.map((doubt, k) => doubt / (scales[k] ?? 1)),
    weight: sample.weight / total,
  }));
  let bias = 1;
  const weights = Array.from({ length: count }, () => 0);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const { slope, curve } = derivatives(scaled, { bias, weights }, () => 1);
    bias += slope / curve;
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / count;
    for (let k = 0; k < count; k++) {
      const weight = weights[k] ?? 0;
      const along = derivatives(scaled, { bias, weights }, ({ doubts }) => doubts[k] ?? 0);
      const step = -along.slope - ridge * (weight - mean);
      weights[k] = Math.max(0, weight + step / (along.curve + ridge));
    }
  }
  return { bias, weights: weights.map((weight, k) => weight / (scales[k] ?? 1)) };
}

/** First and second derivative of the log-likelihood along one input. */
function derivatives(
  samples: readonly WeightedSample[],
  model: ConfidenceModel,
  input: (sample: WeightedSample) => number,
): { slope: number; curve: number } {
  let slope = 0;
  let curve = 0;
  for (const sample of samples) {
    const expected = weighDoubts(sample.doubts, model);
    const value = input(sample);
    slope += sample.weight * (sample.iou - expected) * value;
    curve += sample.weight * expected * (1 - expected) * value * value;
  }
  return { slope, curve };
}

/** Standard deviation of one doubt; 1 where it never changes. */
function deviation(samples: readonly WeightedSample[], k: number): number {
  const values = samples.map(({ doubts }) => doubts[k] ?? 0);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Math.sqrt(variance) || 1;
}
