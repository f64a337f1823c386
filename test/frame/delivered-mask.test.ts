import { expect, test } from 'vitest';
import { encodeCocoRle } from '../../src/frame/coco-rle.ts';
import { maskPixels, maskRunLengths } from '../../src/frame/delivered-mask.ts';
import { emptyMask, maskFromBitmap } from '../../src/frame/mask.ts';

const size = { width: 5, height: 3 };
const mask = maskFromBitmap(Uint8Array.of(0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0), size);
const counts = encodeCocoRle(mask);

test('both forms of a mask give its pixels and its run lengths', () => {
  for (const delivered of [
    { form: 'pixels', mask },
    { form: 'coco-rle', size, counts },
  ] as const) {
    expect(maskPixels(delivered)).toEqual(mask);
    expect(maskRunLengths(delivered)).toEqual({ size, counts });
  }
});

test('what is there is handed out, not made again', () => {
  expect(maskPixels({ form: 'pixels', mask })).toBe(mask);
  expect(maskRunLengths({ form: 'coco-rle', size, counts })?.counts).toBe(counts);
});

test('an empty mask has pixels, none of them set, and no run lengths', () => {
  for (const delivered of [
    { form: 'pixels', mask: emptyMask(size) },
    { form: 'coco-rle', size, counts: null },
  ] as const) {
    expect(maskPixels(delivered)).toEqual(emptyMask(size));
    expect(maskRunLengths(delivered)).toBeNull();
  }
});
