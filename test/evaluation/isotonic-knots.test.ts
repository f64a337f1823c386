import { expect, test } from 'vitest';
import { fewestSamples, isotonicKnots } from '../../src/evaluation/isotonic-knots.ts';

test('scores that mean something become a rising map near the truth', () => {
  let state = 3;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const samples = Array.from({ length: 800 }, () => {
    const raw = random() * 10 - 5;
    const expected = 1 / (1 + Math.exp(-raw));
    return { raw, iou: Math.min(1, Math.max(0, expected + (random() - 0.5) * 0.3)) };
  });
  const knots = isotonicKnots(samples);
  expect(knots.length).toBeGreaterThan(5);
  for (const [raw, iou] of knots) {
    expect(Math.abs(iou - 1 / (1 + Math.exp(-raw)))).toBeLessThan(0.06);
  }
  for (const [i, [raw, iou]] of knots.slice(1).entries()) {
    expect(raw).toBeGreaterThan(knots[i]![0]);
    expect(iou).toBeGreaterThanOrEqual(knots[i]![1]);
  }
});

test('scores that say the opposite of the truth become one level', () => {
  const samples = Array.from({ length: 100 }, (_, i) => ({ raw: i, iou: 1 - i / 100 }));
  const knots = isotonicKnots(samples);
  expect(knots).toHaveLength(2);
  expect(knots[0]![1]).toBeCloseTo(0.505, 6);
  expect(knots[1]![1]).toBeCloseTo(0.505, 6);
  expect(knots[1]![0]).toBeGreaterThan(knots[0]![0]);
});

test('one score for everything is one level too', () => {
  const samples = Array.from({ length: 64 }, (_, i) => ({ raw: 1, iou: i % 2 }));
  expect(isotonicKnots(samples)).toEqual([
    [1, 0.5],
    [2, 0.5],
  ]);
});

test('too few samples are an error', () => {
  const samples = Array.from({ length: fewestSamples - 1 }, () => ({ raw: 1, iou: 1 }));
  expect(() => isotonicKnots(samples)).toThrow(RangeError);
});
