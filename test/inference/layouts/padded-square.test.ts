import { expect, test } from 'vitest';
import { fromPadded, intoPadded } from '../../../src/inference/layouts/padded-square.ts';

const whole = { width: 1, height: 1 };
const upper = { width: 1, height: 0.5 };

test('a square that is filled is itself', () => {
  const values = Float32Array.of(1, 2, 3, 4);
  expect(fromPadded(values, { width: 2, height: 2 }, whole, 2)).toBe(values);
  expect(intoPadded(values, whole, 2, 0)).toBe(values);
});

test('the filled half of a square comes back as a whole one', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? i % 8 : -100));
  const rows = fromPadded(values, { width: 8, height: 8 }, upper, 8);
  for (let y = 0; y < 7; y++)
    expect([...rows.subarray(y * 8, y * 8 + 8)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('what goes into a padded square comes back, and the padding is outside', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.floor(i / 32) * 8 + (i % 8));
  const padded = intoPadded(values, upper, 8, -9);
  expect([...padded.subarray(32)]).toEqual(Array.from({ length: 32 }, () => -9));
  const back = fromPadded(padded, { width: 8, height: 8 }, upper, 8);
  expect(back[0]).toBeCloseTo(values[0]!, 5);
  expect(back[7]).toBeCloseTo(values[7]!, 5);
});

test('masks of another size are brought to the model’s', () => {
  const large = new Float32Array(16 * 16).fill(2);
  const small = fromPadded(large, { width: 16, height: 16 }, whole, 4);
  expect([...small]).toEqual(Array.from({ length: 16 }, () => 2));
});
