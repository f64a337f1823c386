import { expect, test } from 'vitest';
import { BitReader } from '../../../src/video/headers/bit-reader.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

function readerOf(bits: string): BitReader {
  const text = bits.replaceAll(' ', '');
  const bytes = text.padEnd(Math.ceil(text.length / 8) * 8, '0').match(/.{8}/g) ?? [];
  return new BitReader(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2)));
}

/** A code number as Exp-Golomb (H.264, 9.1). */
function golomb(code: number): string {
  const binary = (code + 1).toString(2);
  return '0'.repeat(binary.length - 1) + binary;
}

test('bits come most significant first, over the borders of bytes', () => {
  const reader = readerOf('1010 0110 0111 1111 0');
  expect([reader.bit(), reader.bits(3), reader.bits(7), reader.bits(5)]).toEqual([1, 2, 51, 31]);
});

test('32 bits are an unsigned number', () => {
  expect(readerOf('1'.repeat(32)).bits(32)).toBe(2 ** 32 - 1);
});

test('Exp-Golomb numbers are those of the standard’s tables', () => {
  // H.264, tables 9-2 and 9-3.
  const codes = ['1', '010', '011', '00100', '00101', '00110', '00111', '0001000'];
  expect(codes.map((code) => readerOf(code).ue())).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(codes.map((code) => readerOf(code).se())).toEqual([0, 1, -1, 2, -2, 3, -3, 4]);
});

test('a row of Exp-Golomb numbers is read back, up to the largest of 32 bits', () => {
  const random = randomNumbers(5);
  const codes = Array.from({ length: 500 }, () => Math.floor(2 ** (random() * 32)) - 1);
  codes.push(2 ** 32 - 2, 0);
  const reader = readerOf(codes.map(golomb).join(''));
  expect(codes.map(() => reader.ue())).toEqual(codes);
  expect(reader.overrun).toBe(false);
});

test('past the end there are zeros, it says so, and no number takes for ever', () => {
  const reader = readerOf('1111 1111');
  reader.skip(8);
  expect(reader.overrun).toBe(false);
  expect(reader.bit()).toBe(0);
  expect(reader.overrun).toBe(true);
  expect(Number.isFinite(reader.ue())).toBe(true);
  expect(Number.isFinite(new BitReader(new Uint8Array(0)).se())).toBe(true);
});
