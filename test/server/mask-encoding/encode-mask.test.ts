import { describe, expect, test } from 'vitest';
import { decodeMask as decodeInClient } from '../../../clients/typescript/index.ts';
import { emptyMask, type Mask, maskToBitmap } from '../../../src/frame/mask.ts';
import { MaskEncoding, type Mask as WireMask } from '../../../src/gen/maskstream/v1/common.ts';
import { decodeCocoRle, encodeCocoRle } from '../../../src/frame/coco-rle.ts';
import { encodeMask, readMask } from '../../../src/server/mask-encoding/index.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';
import { drawn, randomMask } from '../../fixtures/small-masks.ts';

const maxPixels = 10_000_000;

const encodings = [
  MaskEncoding.MASK_ENCODING_COCO_RLE,
  MaskEncoding.MASK_ENCODING_PNG,
  MaskEncoding.MASK_ENCODING_BITMAP,
  MaskEncoding.MASK_ENCODING_POLYGONS,
] as const;

function onWire(mask: Mask, data: WireMask['data']): WireMask {
  return { width: mask.size.width, height: mask.size.height, data };
}

/** The pixels of what the server read. */
function decodeMask(wire: WireMask, pixels: number): Mask {
  const { counts, size } = readMask(wire, { maxPixels: pixels, maxBytes: 1 << 20 });
  return decodeCocoRle(counts, size);
}

describe('all encodings', () => {
  test('random masks come back the same, from the server and in the client', () => {
    const random = randomNumbers(1);
    let compared = 0;
    for (let round = 0; round < 400; round++) {
      const mask = randomMask(random);
      if (mask.area === 0) continue;
      for (const encoding of encodings) {
        const wire = encodeMask(mask, encoding);
        expect(wire).toBeDefined();
        if (wire === undefined) continue;
        const decoded = decodeMask(wire, maxPixels);
        // Element by element, matchers take longer than everything else here.
        const same =
          decoded.area === mask.area &&
          Buffer.from(maskToBitmap(decoded)).equals(maskToBitmap(mask)) &&
          Buffer.from(decodeInClient(wire).data).equals(maskToBitmap(mask));
        expect(same).toBe(true);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(1000);
  });

  test('an empty mask is left out', () => {
    for (const encoding of encodings) {
      expect(encodeMask(emptyMask({ width: 4, height: 4 }), encoding)).toBeUndefined();
    }
  });

  test('a mask of no pixels, of too many, or without data is refused', () => {
    const mask = drawn('#');
    const wire = onWire(mask, { $case: 'cocoRle', value: { counts: encodeCocoRle(mask) } });
    expect(() => decodeMask({ ...wire, width: 0 }, maxPixels)).toThrow('got 0 x 1');
    expect(() => decodeMask({ ...wire, width: 2 ** 31, height: 2 ** 31 }, maxPixels)).toThrow(
      'pixels',
    );
    expect(() => decodeMask({ ...wire, data: undefined }, maxPixels)).toThrow('got none');
  });
});
