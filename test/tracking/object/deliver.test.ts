import { maskPixels, maskRunLengths } from '../../../src/frame/delivered-mask.ts';
import { expect, test } from 'vitest';
import { emptyMask, maskToBitmap, type Mask } from '../../../src/frame/mask.ts';
import type { ObjectOutput } from '../../../src/tracking/delivery-types.ts';
import { deliverObjects } from '../../../src/tracking/object/deliver.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';
import { randomMask } from '../../fixtures/small-masks.ts';

const scores = {
  predictedIou: 0.8,
  confidence: 0.7,
  presence: 0.9,
  sourceKeyframe: null,
} as const;

function outputOf(objectId: number, mask: Mask): ObjectOutput {
  return { ...scores, objectId, box: mask.box, area: mask.area, mask };
}

test('run lengths are those of the pixels, and everything else goes along', () => {
  const random = randomNumbers(4);
  const outputs = Array.from({ length: 40 }, (_, id) => outputOf(id, randomMask(random)));
  const delivered = deliverObjects(outputs, 'coco-rle');
  expect(delivered).toHaveLength(40);
  for (const [i, { mask }] of outputs.entries()) {
    const object = delivered[i]!;
    expect(object).toMatchObject({ ...scores, objectId: i, box: mask.box, area: mask.area });
    expect(object.mask).toMatchObject({ form: 'coco-rle', size: mask.size });
    expect(maskRunLengths(object.mask) === null).toBe(mask.area === 0);
    expect(maskToBitmap(maskPixels(object.mask))).toEqual(maskToBitmap(mask));
  }
});

test('pixels are the mask itself', () => {
  const mask = randomMask(randomNumbers(1));
  const [object] = deliverObjects([outputOf(3, mask)], 'pixels');
  expect(object?.mask).toEqual({ form: 'pixels', mask });
});

test('an empty mask has a size and no run lengths', () => {
  const size = { width: 5, height: 4 };
  const [object] = deliverObjects([outputOf(1, emptyMask(size))], 'coco-rle');
  expect(object?.mask).toEqual({ form: 'coco-rle', size, counts: null });
});
