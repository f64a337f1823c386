import { expect, test } from 'vitest';
import { keyframeWeight, slowness } from '../../src/frame/slow-film.ts';

test.each([
  [1, 200_000, 4.8],
  [10, 2_000_000, 4.8],
  [3, 125_000, 1],
  [6, 200_000, 1],
  [4, 0, 1],
  [4, -1e9, 1],
  [0, 125_000, 3],
])('%i frames over %i us are %d times as far apart as usual', (frames, elapsedUs, ratio) => {
  expect(slowness(frames, elapsedUs)).toBeCloseTo(ratio);
  expect(keyframeWeight(frames, elapsedUs)).toBeCloseTo(ratio ** 1.5);
});
