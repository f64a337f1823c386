import { expect, test } from 'vitest';
import { consistency } from '../../../../bench/support/flow/warp-evidence.ts';

const size = { width: 16, height: 12 };

function uniform(u: number, v: number) {
  const pixels = size.width * size.height;
  return {
    ...size,
    u: new Float32Array(pixels).fill(u),
    v: new Float32Array(pixels).fill(v),
  };
}

test('flows that undo each other are consistent everywhere', () => {
  const { error, inconsistent } = consistency(uniform(3, -2), uniform(-3, 2));
  expect(Math.max(...error)).toBe(0);
  expect(Math.max(...inconsistent)).toBe(0);
});

test('the error is how far from its start the way there and back ends', () => {
  const { error, inconsistent } = consistency(uniform(3, 0), uniform(0, 4));
  expect(error.every((value) => value === 5)).toBe(true);
  expect(inconsistent.every((value) => value === 1)).toBe(true);
});

test('a little error is excused by a long way', () => {
  const { inconsistent } = consistency(uniform(10, 0), uniform(-9, 0));
  expect(Math.max(...inconsistent)).toBe(0);
});
