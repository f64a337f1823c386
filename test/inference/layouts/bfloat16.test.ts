import { expect, test } from 'vitest';
import { fromBfloat16, toBfloat16 } from '../../../src/inference/layouts/bfloat16.ts';

function rounded(...values: number[]): number[] {
  const halves = toBfloat16(Float32Array.from(values), new Uint16Array(values.length));
  return [...fromBfloat16(halves, new Float32Array(values.length))];
}

test('values are rounded to eight bits of mantissa, ties to even', () => {
  const step = 2 ** -7;
  expect(rounded(1, 1 + step, -3)).toEqual([1, 1 + step, -3]);
  // Half a step above 1 lies between 1 and 1 + step: the even one is 1.
  expect(rounded(1 + step / 2, 1 + step / 2 + 2 ** -20)).toEqual([1, 1 + step]);
  // Half a step above 1 + step: the even one is above.
  expect(rounded(1 + 1.5 * step, -(1 + 1.5 * step))).toEqual([1 + 2 * step, -(1 + 2 * step)]);
});

test('zero, the smallest and the largest survive', () => {
  expect(rounded(0, 2 ** -126, Number.POSITIVE_INFINITY)).toEqual([
    0,
    2 ** -126,
    Number.POSITIVE_INFINITY,
  ]);
});
