import { describe, expect, test } from 'vitest';
import { calibration, calibrationByAge } from '../../src/evaluation/calibration.ts';
import { randomNumbers } from '../../bench/support/random-numbers.ts';

const sample = (confidence: number, iou: number, age: number | null = 0) => ({
  confidence,
  iou,
  age,
});

describe('calibration', () => {
  test('a constant offset is the error, whatever the bins', () => {
    const samples = [0.2, 0.5, 0.8].map((value) => sample(value, value - 0.1));
    expect(calibration(samples).ece).toBeCloseTo(0.1, 12);
  });

  test('inside a bin errors cancel, between bins they do not', () => {
    expect(calibration([sample(0.41, 0.2), sample(0.45, 0.66)]).ece).toBeCloseTo(0, 12);
    expect(calibration([sample(0.1, 0.3), sample(0.9, 0.7)]).ece).toBeCloseTo(0.2, 12);
    expect(calibration([sample(1, 1)]).ece).toBe(0);
  });

  test('the points of the plot are means over the masks of one range, by rising confidence', () => {
    const { bins } = calibration([sample(0.9, 0.7), sample(0.42, 0.2), sample(0.46, 0.6)]);
    expect(bins.map(({ samples }) => samples)).toEqual([2, 1]);
    expect(bins[0]?.meanConfidence).toBeCloseTo(0.44, 12);
    expect(bins[0]?.meanIou).toBeCloseTo(0.4, 12);
    expect(bins[1]).toMatchObject({ meanConfidence: 0.9, meanIou: 0.7 });
  });

  test('AUROC equals the share of ordered pairs, ties counted half', () => {
    const next = randomNumbers(7);
    const samples = Array.from({ length: 60 }, () => sample(Math.round(next() * 10) / 10, next()));
    let won = 0;
    let pairs = 0;
    for (const good of samples.filter(({ iou }) => iou >= 0.5)) {
      for (const bad of samples.filter(({ iou }) => iou < 0.5)) {
        pairs++;
        if (good.confidence > bad.confidence) won++;
        else if (good.confidence === bad.confidence) won += 0.5;
      }
    }
    expect(pairs).toBeGreaterThan(100);
    expect(calibration(samples).auroc).toBeCloseTo(won / pairs, 12);
  });

  test('without bad masks there is no AUROC', () => {
    expect(calibration([sample(0.9, 0.9)])).toMatchObject({ auroc: null, bad: 0, samples: 1 });
  });

  test('every sample with a keyframe falls into exactly one age', () => {
    const samples = [0, 1, 2, 3, 5, 6, 10, 11, 20, 21, 400].map((age) => sample(0.5, 0.5, age));
    const buckets = calibrationByAge([...samples, sample(0.1, 0, null)]);
    expect(buckets.map(({ ages, calibration: { samples: count } }) => [ages, count])).toEqual([
      ['0', 1],
      ['1-2', 2],
      ['3-5', 2],
      ['6-10', 2],
      ['11-20', 2],
      ['> 20', 2],
    ]);
  });
});
