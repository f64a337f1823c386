import { deflateSync } from 'node:zlib';
import { SegmentationError } from '../../frame/errors.ts';
import { freeMemory } from '../../frame/free-memory.ts';
import type { Size } from '../../frame/geometry.ts';
import { type Mask, maskFromBitmap } from '../../frame/mask.ts';
import { inflateExactly } from './inflate-exactly.ts';

// One mask a frame and object: speed before the last percent of size.
const level = 1;

/** zlib of one bit a pixel: rows from the top, most significant bit first, padded to bytes. */
export function encodeBitmap(mask: Mask): Uint8Array<ArrayBuffer> {
  const rowBytes = Math.ceil(mask.size.width / 8);
  const packed = new Uint8Array(rowBytes * mask.size.height);
  if (mask.box !== null) {
    const { x, y, width, height } = mask.box;
    const { bits } = mask;
    for (let row = 0, from = 0; row < height; row++) {
      const to = (y + row) * rowBytes;
      for (let column = x; column < x + width; column++, from++) {
        if (bits[from]) packed[to + (column >> 3)]! |= 0x80 >> (column & 7);
      }
    }
  }
  const data = deflateSync(packed, { level });
  freeMemory(packed);
  return data;
}

/** @throws SegmentationError `invalid-prompt` unless the bits fill `size` exactly. */
export function decodeBitmap(zlibBits: Uint8Array, size: Size): Mask {
  const rowBytes = Math.ceil(size.width / 8);
  const packed = inflateExactly(zlibBits, rowBytes * size.height);
  if (packed === null) {
    throw new SegmentationError(
      'invalid-prompt',
      `bitmap must be ${rowBytes * size.height} bytes in zlib, got something else`,
    );
  }
  const bitmap = new Uint8Array(size.width * size.height);
  for (let y = 0, to = 0; y < size.height; y++) {
    const from = y * rowBytes;
    for (let x = 0; x < size.width; x++, to++) {
      bitmap[to] = ((packed[from + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1;
    }
  }
  return maskFromBitmap(bitmap, size);
}
