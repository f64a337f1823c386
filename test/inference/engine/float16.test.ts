import { expect, test } from 'vitest';
import { areFiniteFloat16, fromFloat16, toFloat16 } from '../../../src/inference/engine/float16.ts';

const rounded = (some: Float32Array): Uint16Array => toFloat16(some, new Uint16Array(some.length));

const to = (...values: number[]): number[] => [
  ...toFloat16(Float32Array.from(values), new Uint16Array(values.length)),
];

/** What is no number keeps its sign and being none, no more. */
const quiet = (half: number): number =>
  (half & 0x7fff) > 0x7c00 ? (half & 0x8000) | 0x7e00 : half;

test('every float16 goes to float32 and back', () => {
  const all = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
  const values = fromFloat16(all, new Float32Array(all.length));
  const back = toFloat16(values, new Uint16Array(all.length));
  expect(back.map(quiet)).toEqual(all.map(quiet));
});

test('known values, and rounding to the nearest even', () => {
  expect(to(0, -0, 1, -2, 65504, 2 ** -24)).toEqual([0, 0x8000, 0x3c00, 0xc000, 0x7bff, 1]);
  // Half-way between 2048 and 2050, and between 2050 and 2052.
  expect(to(2049, 2051)).toEqual(to(2048, 2052));
  expect(to(2 ** -25, 1.5 * 2 ** -24, 2 ** -26)).toEqual([0, 2, 0]);
  expect(to(65519, 65520, -1e9, Infinity)).toEqual([0x7bff, 0x7c00, 0xfc00, 0x7c00]);
});

test('what overflowed, or is no number, is seen', () => {
  expect(areFiniteFloat16(Uint16Array.from(to(1, 65504, -65504)))).toBe(true);
  expect(areFiniteFloat16(Uint16Array.from(to(1, 70000)))).toBe(false);
  expect(areFiniteFloat16(Uint16Array.from(to(Number.NaN)))).toBe(false);
});

test('values between two float16 go to the nearer one, on either side of every border', () => {
  // Every float16 but the last, the middle to its neighbour, and one step of float32 beside that.
  const halves = Uint16Array.from({ length: 0x7bff }, (_, half) => half);
  const values = fromFloat16(halves, new Float32Array(halves.length));
  const upper = fromFloat16(
    halves.map((half) => half + 1),
    new Float32Array(halves.length),
  );
  const middles = values.map((value, i) => (value + upper[i]!) / 2);
  const step = (amount: number) =>
    new Float32Array(new Uint32Array(middles.buffer.slice(0)).map((bits) => bits + amount).buffer);
  expect(rounded(step(-1))).toEqual(halves);
  expect(rounded(middles)).toEqual(halves.map((half) => half + (half & 1)));
  expect(rounded(step(1))).toEqual(halves.map((half) => half + 1));
});
