import { expect, test } from 'vitest';
import { overlayStyle, overlayStyles, paintStyle } from '../../../src/cli/output/overlay-style.ts';
import { maskFromBitmap } from '../../../src/frame/mask.ts';

const size = { width: 120, height: 96 };
const pixels = size.width * size.height;
const bits = new Uint8Array(pixels);
for (let y = 30; y < 60; y++) bits.fill(1, y * size.width + 40, y * size.width + 80);
const object = { mask: maskFromBitmap(bits, size), colour: [0, 0, 255] as const };

/** A fine chequered pattern: any blur or block destroys it. */
const before = Uint8Array.from({ length: pixels * 3 }, (_, at) => {
  const pixel = Math.floor(at / 3);
  return ((pixel % size.width) + Math.floor(pixel / size.width)) % 2 === 0 ? 40 : 200;
});

function painted(style: Parameters<typeof paintStyle>[2]): Uint8Array {
  const data = before.slice();
  paintStyle({ size, data }, [object], style);
  return data;
}

const at = (data: Uint8Array, x: number, y: number) => {
  const from = (y * size.width + x) * 3;
  return [...data.subarray(from, from + 3)];
};

test('outline paints the rim, tint the inside', () => {
  const outline = painted('outline');
  expect(at(outline, 40, 45)).toEqual([0, 0, 255]);
  expect(at(outline, 60, 45)).toEqual(at(before, 60, 45));
  const tint = painted('tint');
  expect(at(tint, 60, 45)).toEqual([100, 100, 228]);
  expect(at(tint, 10, 10)).toEqual(at(before, 10, 10));
});

test('green target on red ground, and cut out on black', () => {
  const both = painted('green-on-red');
  expect(at(both, 60, 45)).toEqual([100, 200, 100]);
  expect(at(both, 10, 10)).toEqual([120, 20, 20]);
  const cut = painted('cut-out');
  expect(at(cut, 60, 45)).toEqual(at(before, 60, 45));
  expect(at(cut, 10, 10)).toEqual([0, 0, 0]);
});

test.each(['blur', 'pixelate'] as const)(
  '%s leaves nothing of the pattern, nor at the rim',
  (style) => {
    const data = painted(style);
    let spread = 0;
    for (let y = 29; y < 61; y++) {
      for (let x = 39; x < 80; x++) {
        const change = Math.abs(at(data, x, y)[0]! - at(data, x + 1, y)[0]!);
        if (change > 100) spread++;
      }
    }
    // Of 1,312 neighbours every one differed before; between blocks some still do.
    expect(spread).toBeLessThan(style === 'blur' ? 1 : 300);
    expect(at(data, 10, 10)).toEqual(at(before, 10, 10));
  },
);

test('a style that is not known is an error that lists them', () => {
  expect(overlayStyle(undefined)).toBe('labels');
  for (const style of overlayStyles) expect(overlayStyle(style)).toBe(style);
  expect(() => overlayStyle('neon')).toThrow(/expected one of labels, outline, .* got "neon"/);
});
