import { expect, test } from 'vitest';
import { parseKeyframes } from '../../src/calls/keyframes.ts';

test('--keyframes takes an interval, adaptive, and adaptive with its bounds', () => {
  expect(parseKeyframes('12')).toEqual({ fixedInterval: 12 });
  expect(parseKeyframes('adaptive')).toEqual({});
  expect(parseKeyframes('adaptive:3-9:0.7')).toEqual({
    minInterval: 3,
    maxInterval: 9,
    minConfidence: 0.7,
  });
});

test.each(['0', '1001', 'x', 'adaptive:3', 'adaptive:3-9', 'adaptive:3-9:2', 'adaptive:-9:0.5'])(
  '--keyframes %s says what was expected',
  (text) => {
    expect(() => parseKeyframes(text)).toThrow(/--keyframes: expected .*, got/);
  },
);
