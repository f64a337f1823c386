import { expect, test } from 'vitest';
import { crc32 } from '../../src/frame/crc32.ts';
import { noiseBytes } from '../fixtures/noise-bytes.ts';

test('the check value of CRC-32 is the one of the catalogue', () => {
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
});

test('a chunk of PNG ends in it', () => {
  // IEND, as every PNG file ends.
  expect(crc32(Buffer.from('IEND'))).toBe(0xae426082);
});

test('every flipped bit of a message changes it', () => {
  const bytes = noiseBytes(64);
  const sums = new Set([crc32(bytes)]);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    sums.add(crc32(changed));
  }
  expect(sums.size).toBe(bytes.length * 8 + 1);
});
