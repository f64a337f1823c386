import { describe, expect, test } from 'vitest';
import type { Size } from '../../src/frame/geometry.ts';
import { type Mask, maskToBitmap } from '../../src/frame/mask.ts';
import { decodeCocoRle, encodeCocoRle } from '../../src/frame/coco-rle.ts';
import { randomNumbers } from '../../bench/support/random-numbers.ts';
import { drawn, randomMask } from '../fixtures/small-masks.ts';

/** rleEncode and rleToString of pycocotools' maskApi.c, line by line, as the reference. */
function textOfMaskApi(bitmap: Uint8Array, { width, height }: Size): string {
  const counts: number[] = [];
  let previous = 0;
  let count = 0;
  for (let at = 0; at < bitmap.length; at++) {
    const value = bitmap[(at % height) * width + Math.floor(at / height)];
    if (value !== previous) {
      counts.push(count);
      count = 0;
      previous = value ?? 0;
    }
    count++;
  }
  counts.push(count);
  let text = '';
  for (let index = 0; index < counts.length; index++) {
    let x = counts[index] ?? 0;
    if (index > 2) x -= counts[index - 2] ?? 0;
    for (let more = true; more;) {
      let code = x & 0x1f;
      x >>= 5;
      more = code & 0x10 ? x !== -1 : x !== 0;
      if (more) code |= 0x20;
      text += String.fromCharCode(code + 48);
    }
  }
  return text;
}

function countsOf(mask: Mask): string {
  return Buffer.from(encodeCocoRle(mask)).toString('latin1');
}

describe('COCO run lengths', () => {
  test('are the text that pycocotools writes', () => {
    const random = randomNumbers(3);
    for (let round = 0; round < 300; round++) {
      const mask = randomMask(random);
      expect(countsOf(mask)).toBe(textOfMaskApi(maskToBitmap(mask), mask.size));
    }
    expect(countsOf(drawn('...', '...', '...'))).toBe('9');
    expect(countsOf(drawn('###', '###', '###'))).toBe('09');
  });

  test('of another number of pixels are refused', () => {
    const counts = encodeCocoRle(drawn('.#.', '.##'));
    expect(() => decodeCocoRle(counts, { width: 3, height: 3 })).toThrow('got 6 pixels');
    expect(() => decodeCocoRle(counts, { width: 2, height: 2 })).toThrow('COCO run lengths');
    expect(() => decodeCocoRle(Buffer.from('\u0001'), { width: 2, height: 2 })).toThrow(
      'invalid byte',
    );
    expect(() => decodeCocoRle(Buffer.from('ooooooooooo'), { width: 2, height: 2 })).toThrow(
      'invalid byte',
    );
  });
});
