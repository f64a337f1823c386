import { expect, test } from 'vitest';
import { ElementWalker, type Element } from '../../../src/video/headers/element-walker.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

/** One byte that says how many follow; 255 runs to the end of the stream, 254 is no header. */
function readByte(header: Uint8Array): Element | null {
  const [size = 0] = header;
  if (size === 254) return null;
  return { bodyBytes: size === 255 ? Infinity : size, type: `of ${size}` };
}

function walk(pieces: readonly Uint8Array[]) {
  const types: string[] = [];
  const walker = new ElementWalker(readByte, (type) => types.push(type));
  for (const piece of pieces) walker.push(piece);
  return { types, unfinished: walker.unfinished };
}

test('each element is told once, when its header is complete', () => {
  expect(walk([Uint8Array.of(2, 9, 9, 0, 1, 9)])).toEqual({
    types: ['of 2', 'of 0', 'of 1'],
    unfinished: false,
  });
});

test('pieces of any size are walked alike', () => {
  const random = randomNumbers(9);
  const sizes = Array.from({ length: 60 }, () => Math.floor(random() * 20));
  const bytes = Uint8Array.from(sizes.flatMap((size) => [size, ...Array<number>(size).fill(7)]));
  const whole = walk([bytes]);
  expect(whole.types).toEqual(sizes.map((size) => `of ${size}`));
  for (let round = 0; round < 20; round++) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = Math.floor(random() * 9);
      pieces.push(bytes.subarray(at, at + length));
      at += length;
    }
    expect(walk(pieces)).toEqual(whole);
  }
});

test('it is unfinished within a body and within a header, and not where the body has no end', () => {
  expect(walk([Uint8Array.of(3, 9, 9)]).unfinished).toBe(true);
  expect(walk([Uint8Array.of(0, 254)]).unfinished).toBe(true);
  expect(walk([Uint8Array.of(255, 1, 2, 3)])).toEqual({ types: ['of 255'], unfinished: false });
});

test('what is no header for too long is given up: nothing is said of its end', () => {
  const strange = new Uint8Array(40).fill(254);
  expect(walk([strange, Uint8Array.of(3)])).toEqual({ types: [], unfinished: false });
});

test('elements of next to no size are walked up to a few thousand, in whatever pieces they come', () => {
  const tiny = new Uint8Array(2_000_000);
  const { types, unfinished } = walk([tiny.subarray(0, 999_999), tiny.subarray(999_999)]);
  expect(types.length).toBeLessThan(5000);
  expect(unfinished).toBe(false);
});

test('elements as small as the frames of a still picture are walked to their end', () => {
  const frames = Array.from({ length: 20_000 }, () => [24, ...Array<number>(24).fill(9)]).flat();
  expect(walk([Uint8Array.from(frames), Uint8Array.of(3, 9)])).toMatchObject({
    types: { length: 20_001 },
    unfinished: true,
  });
});
