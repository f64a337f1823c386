import { expect, test } from 'vitest';
import { maskFromBitmap, maskToBitmap, type Mask } from '../../../src/frame/mask.ts';
import { cleanMasks } from '../../../src/tracking/mask/clean-mask.ts';

/** A mask of the cells that are an X. */
function drawn(...rows: readonly string[]): Mask {
  const cells = Array.from(rows.join(''), (cell) => (cell === 'X' ? 1 : 0));
  return maskFromBitmap(Uint8Array.from(cells), { width: rows[0]!.length, height: rows.length });
}

function rowsOf(mask: Mask): string[] {
  const bits = maskToBitmap(mask);
  const { width, height } = mask.size;
  return Array.from({ length: height }, (_, y) =>
    [...bits.subarray(y * width, (y + 1) * width)].map((bit) => (bit === 1 ? 'X' : '.')).join(''),
  );
}

const speckled = drawn('X.......', '..XXXXX.', '..X.X.X.', '..XXX.X.', '..XXXXX.', '.......X');

test('islands and holes under the area go, others and the corner of a hole stay', () => {
  const [clean] = cleanMasks([speckled], 2);
  expect(rowsOf(clean!)).toEqual([
    '........',
    '..XXXXX.',
    '..XXX.X.',
    '..XXX.X.',
    '..XXXXX.',
    '........',
  ]);
  expect(clean!.area).toBe(18);
  expect(clean!.box).toEqual({ x: 2, y: 1, width: 5, height: 4 });
  expect(rowsOf(cleanMasks([speckled], 3)[0]!)).toContain('..XXXXX.');
});

test('the largest part stays, however small, and an empty mask is one', () => {
  const dot = drawn('....', '.XX.', 'X...');
  expect(rowsOf(cleanMasks([dot], 100)[0]!)).toEqual(['....', '.XX.', '....']);
  const empty = drawn('....', '....');
  expect(cleanMasks([empty], 100)[0]).toEqual(empty);
});

test('a hole that another object shows through is none', () => {
  const ring = drawn('XXX', 'X.X', 'XXX');
  const inside = drawn('...', '.X.', '...');
  expect(rowsOf(cleanMasks([ring, inside], 5)[0]!)).toEqual(rowsOf(ring));
  expect(cleanMasks([ring], 5)[0]!.area).toBe(9);
});

test('what is large enough comes back as it was', () => {
  expect(cleanMasks([speckled], 1)[0]).toBe(speckled);
});
