import { expect, test } from 'vitest';
import { claimedRatio } from '../../../src/tracking/mask/claimed-ratio.ts';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';

const size = { width: 40, height: 30 };

function rectangle(box: readonly [x: number, y: number, width: number, height: number], value = 1) {
  const [x, y, width, height] = box;
  const values = new Float32Array(width * height).fill(value);
  return { size, window: { x, y, width, height }, values };
}

test('the share of pixels that others claim counts each pixel once', () => {
  const mask = rectangle([10, 10, 10, 10]);
  expect(claimedRatio(mask, [])).toBe(0);
  expect(claimedRatio(mask, [rectangle([15, 0, 20, 30])])).toBe(0.5);
  expect(claimedRatio(mask, [rectangle([15, 0, 20, 30]), rectangle([15, 5, 3, 20])])).toBe(0.5);
  expect(claimedRatio(mask, [rectangle([0, 0, 40, 30])])).toBe(1);
});

test('what is held under one half is no claim, and an empty mask is claimed wholly', () => {
  expect(claimedRatio(rectangle([10, 10, 10, 10]), [rectangle([0, 0, 40, 30], 0.4)])).toBe(0);
  expect(claimedRatio(emptySoftMask(size), [])).toBe(1);
});
