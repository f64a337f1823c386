import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { maskToBitmap } from '../../../src/frame/mask.ts';
import { decodeCocoRle } from '../../../src/frame/coco-rle.ts';
import { readMask } from '../../../src/server/mask-encoding/index.ts';
import { drawn } from '../../fixtures/small-masks.ts';

const bounds = { maxPixels: 10_000_000, maxBytes: 1 << 20 };

describe('bitmap', () => {
  test('is row-major, most significant bit first, rows padded to bytes', () => {
    const zlibBits = deflateSync(Uint8Array.from([0b1000_0000, 0b0100_0000, 0, 0b1000_0000]));
    const wire = { width: 10, height: 2, data: { $case: 'bitmap' as const, value: { zlibBits } } };
    const { counts, size } = readMask(wire, bounds);
    expect(maskToBitmap(decodeCocoRle(counts, size))).toEqual(
      maskToBitmap(drawn('#........#', '........#.')),
    );
  });

  test('that unpacks to more than its size is refused', () => {
    const zlibBits = deflateSync(new Uint8Array(20_000_000));
    const wire = { width: 8, height: 8, data: { $case: 'bitmap' as const, value: { zlibBits } } };
    expect(() => readMask(wire, bounds)).toThrow('bitmap must be 8 bytes');
  });
});
