import { deflateSync } from 'node:zlib';
import type { Mask as WireMask } from '../../clients/typescript/index.ts';
import type { Mask } from '../frame/mask.ts';
import { maskToBitmap } from '../frame/mask.ts';

/** A mask as a prompt carries it: one bit a pixel, deflated. */
export function toWireMask(mask: Mask): WireMask {
  const { width, height } = mask.size;
  const bitmap = maskToBitmap(mask);
  const rowBytes = Math.ceil(width / 8);
  const bits = new Uint8Array(rowBytes * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (bitmap[y * width + x]) bits[y * rowBytes + (x >> 3)]! |= 0x80 >> (x & 7);
    }
  }
  return { width, height, data: { $case: 'bitmap', value: { zlibBits: deflateSync(bits) } } };
}
