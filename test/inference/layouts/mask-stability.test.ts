import { expect, test } from 'vitest';
import { consensusScore, stabilityScore } from '../../../src/inference/layouts/mask-stability.ts';

test('stability is the share of a mask that stays when the threshold moves', () => {
  expect(stabilityScore(Float32Array.of(5, 3, -4, -6))).toBe(1);
  // At -1 four pixels are in, at +1 one.
  expect(stabilityScore(Float32Array.of(5, 0.5, 0, -0.5))).toBe(0.25);
  expect(stabilityScore(Float32Array.of(-5, -5))).toBe(0);
});

test('consensus is the IoU with the candidate that is most like the chosen one', () => {
  const whole = Float32Array.of(1, 1, 1, 1);
  const part = Float32Array.of(1, -1, -1, -1);
  const half = Float32Array.of(1, 1, -1, -1);
  expect(consensusScore([whole, part, half], 0)).toBe(0.5);
  expect(consensusScore([whole, part, whole], 0)).toBe(1);
  expect(consensusScore([part, Float32Array.of(-1, 1, -1, -1)], 0)).toBe(0);
});

test('a candidate without another has nobody to disagree with', () => {
  expect(consensusScore([Float32Array.of(1, -1)], 0)).toBe(1);
});
