import { expect, test } from 'vitest';
import {
  emptyMask,
  maskFromBitmap,
  maskIou,
  maskToBitmap,
  paintMask,
  type Mask,
} from '../../src/frame/mask.ts';

const size = { width: 7, height: 5 };

function drawn(...rows: string[]): Mask {
  return maskFromBitmap(
    Uint8Array.from(rows.join(''), (one) => (one === '#' ? 255 : 0)),
    size,
  );
}

test('a bitmap is cut to its tight bounds, whatever the non-zero value', () => {
  const mask = drawn('.......', '..#....', '....#..', '..#.#..', '.......');
  expect(mask.box).toEqual({ x: 2, y: 1, width: 3, height: 3 });
  expect([...mask.bits]).toEqual([1, 0, 0, 0, 0, 1, 1, 0, 1]);
  expect(mask.area).toBe(4);
});

test('bitmaps of every kind come back as they were', () => {
  for (let bits = 0; bits < 256; bits++) {
    const bitmap = new Uint8Array(35);
    for (let at = 0; at < 8; at++) bitmap[(at * 13) % 35] = (bits >> at) & 1;
    const mask = maskFromBitmap(bitmap, size);
    expect(maskToBitmap(mask)).toEqual(bitmap);
    expect(mask.area).toBe(bitmap.reduce((sum, bit) => sum + bit, 0));
  }
});

test('a bitmap of a part lies where that part lies', () => {
  const within = { x: 4, y: 3, width: 3, height: 2 };
  const mask = maskFromBitmap(Uint8Array.of(0, 1, 0, 0, 1, 0), size, within);
  expect(mask.box).toEqual({ x: 5, y: 3, width: 1, height: 2 });
  expect(mask.size).toBe(size);
});

test('nothing set is the empty mask', () => {
  expect(maskFromBitmap(new Uint8Array(35), size)).toEqual(emptyMask(size));
  expect(maskToBitmap(emptyMask(size))).toEqual(new Uint8Array(35));
});

test('painting leaves other pixels alone', () => {
  const canvas = new Uint8Array(35).fill(9);
  paintMask(drawn('.......', '.##....', '.......', '.......', '.......'), canvas, 3);
  expect(canvas.filter((value) => value === 3)).toHaveLength(2);
  expect(canvas[8]).toBe(3);
  expect(canvas[0]).toBe(9);
});

test('IoU counts shared over joint pixels; two empty masks agree', () => {
  const a = drawn('###....', '###....', '.......', '.......', '.......');
  const b = drawn('.###...', '.###...', '.......', '.......', '.......');
  const far = drawn('.......', '.......', '.......', '.......', '......#');
  expect(maskIou(a, a)).toBe(1);
  expect(maskIou(a, b)).toBe(0.5);
  expect(maskIou(a, far)).toBe(0);
  expect(maskIou(a, emptyMask(size))).toBe(0);
  expect(maskIou(emptyMask(size), emptyMask(size))).toBe(1);
});
