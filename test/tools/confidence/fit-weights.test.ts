import { expect, test } from 'vitest';
import { fitWeights } from '../../../tools/confidence/fit-weights.ts';
import { weighDoubts } from '../../../src/tracking/object/confidence.ts';

/** Every pair of two doubts on a grid, with what `iou` makes of it. */
function grid(iou: (a: number, b: number) => number) {
  const steps = [0, 0.2, 0.4, 0.6, 0.8, 1];
  return steps.flatMap((a) => steps.map((b) => ({ doubts: [a, b], iou: iou(a, b), weight: 1 })));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test('two doubts that weigh alike are found to within the ridge', () => {
  const truth = { bias: 2, weights: [2, 2] };
  const fitted = fitWeights(grid((a, b) => weighDoubts([a, b], truth)));
  expect(fitted.bias).toBeCloseTo(2, 2);
  for (const weight of fitted.weights) expect(weight).toBeCloseTo(2, 2);
});

test('a doubt that comes with better masks gets no weight rather than a negative one', () => {
  const fitted = fitWeights(grid((a, b) => weighDoubts([a, b], { bias: 0, weights: [3, -3] })));
  expect(fitted.weights[0]).toBeGreaterThan(0.5);
  expect(fitted.weights[1]).toBe(0);
});

test('the mean prediction is the mean true IoU', () => {
  const samples = grid((a, b) => (a + b > 1.5 ? 0.1 : 0.8));
  const fitted = fitWeights(samples);
  const predicted = samples.map(({ doubts }) => weighDoubts(doubts, fitted));
  expect(mean(predicted)).toBeCloseTo(mean(samples.map(({ iou }) => iou)), 4);
});
