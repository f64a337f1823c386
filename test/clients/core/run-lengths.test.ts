import { expect, test } from 'vitest';
import { forEachRun } from '../../../clients/core/run-lengths.ts';
import { encodeCocoRle } from '../../../src/frame/coco-rle.ts';
import { maskFromBitmap, maskToBitmap } from '../../../src/frame/mask.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

function runsOf(counts: Uint8Array, pixels: number): [number, number][] {
  const runs: [number, number][] = [];
  forEachRun(counts, pixels, (from, to) => runs.push([from, to]));
  return runs;
}

test('reads what the server writes, whatever the mask', () => {
  const random = randomNumbers(5);
  for (let round = 0; round < 30; round++) {
    const size = { width: 1 + Math.floor(random() * 40), height: 1 + Math.floor(random() * 40) };
    const share = random();
    const bitmap = Uint8Array.from({ length: size.width * size.height }, () =>
      random() < share ? 1 : 0,
    );
    const read = new Uint8Array(bitmap.length);
    for (const [from, to] of runsOf(encodeCocoRle(maskFromBitmap(bitmap, size)), bitmap.length)) {
      for (let at = from; at < to; at++) {
        read[(at % size.height) * size.width + Math.floor(at / size.height)] = 1;
      }
    }
    expect(read).toEqual(maskToBitmap(maskFromBitmap(bitmap, size)));
  }
});

test('nothing is background, and what is missing too', () => {
  expect(runsOf(new Uint8Array(0), 6)).toEqual([]);
  expect(runsOf(Buffer.from('12'), 6)).toEqual([[1, 3]]);
});

test('more than the picture holds is an error', () => {
  expect(() => runsOf(Buffer.from('16'), 6)).toThrow('must fill 6 pixels, got more');
});
