import { expect, test } from 'vitest';
import { softMaskIou } from '../../../src/tracking/mask/iou.ts';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';
import { randomSoftMask } from '../../fixtures/discs.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';
import { softIou, softMask } from '../../fixtures/textures.ts';

const size = { width: 31, height: 17 };

test('it is what counting every pixel of the picture gives', () => {
  const random = randomNumbers(12);
  let overlapping = 0;
  for (let round = 0; round < 300; round++) {
    const [a, b] = [randomSoftMask(random, size), randomSoftMask(random, size)];
    const iou = softMaskIou(a, b);
    expect(iou).toBeCloseTo(softIou(a, b), 12);
    expect(softMaskIou(b, a)).toBe(iou);
    if (iou > 0 && iou < 1) overlapping++;
  }
  expect(overlapping).toBeGreaterThan(100);
});

test('a mask and itself agree, windows that do not meet share nothing', () => {
  const left = softMask(size, (x) => x < 5);
  expect(softMaskIou(left, left)).toBe(1);
  expect(
    softMaskIou(
      left,
      softMask(size, (x) => x > 20),
    ),
  ).toBe(0);
});

test('two empty masks agree, one that is empty agrees with no other', () => {
  const empty = emptySoftMask(size);
  const faint = { ...softMask(size, (x) => x < 5), values: new Float32Array(5 * 17).fill(0.4) };
  expect(softMaskIou(empty, empty)).toBe(1);
  expect(softMaskIou(empty, faint)).toBe(1);
  expect(
    softMaskIou(
      empty,
      softMask(size, (x) => x < 5),
    ),
  ).toBe(0);
});
