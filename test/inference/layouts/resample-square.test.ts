import { expect, test } from 'vitest';
import { resampleSquare } from '../../../src/inference/layouts/resample-square.ts';

test('a square of the same size is the same', () => {
  const values = Float32Array.of(1, 2, 3, 4);
  expect(resampleSquare(values, 2)).toBe(values);
});

test('a square grows bilinearly, with its border repeated', () => {
  const grown = resampleSquare(Float32Array.of(0, 4, 0, 4), 4);
  expect([...grown.subarray(0, 4)]).toEqual([0, 1, 3, 4]);
  expect([...grown.subarray(12)]).toEqual([0, 1, 3, 4]);
});

test('a square that shrinks keeps its mean, as an antialiased one does', () => {
  const checks = Float32Array.from({ length: 64 }, (_, i) => ((i % 8) + Math.floor(i / 8)) % 2);
  for (const value of resampleSquare(checks, 2)) expect(value).toBeCloseTo(0.5, 2);
  const level = new Float32Array(64).fill(3);
  for (const value of resampleSquare(level, 2)) expect(value).toBeCloseTo(3, 6);
});
