import { expect, test } from 'vitest';
import { keepAttachedParts } from '../../../src/pipeline/keyframe/attached-parts.ts';

const side = 24;

/** 1 inside any of the boxes [left, top, width, height], else 0. */
function cells(...boxes: [number, number, number, number][]): Float32Array {
  return Float32Array.from({ length: side * side }, (_, at) => {
    const [x, y] = [at % side, Math.floor(at / side)];
    const inside = ([left, top, width, height]: [number, number, number, number]) =>
      x >= left && x < left + width && y >= top && y < top + height;
    return boxes.some(inside) ? 1 : 0;
  });
}

/** Logits of +3 inside, -3 outside. */
const mask = (...boxes: [number, number, number, number][]) =>
  cells(...boxes).map((value) => value * 6 - 3);

/** The cells inside any of the boxes. */
const seeds = (...boxes: [number, number, number, number][]) =>
  new Set([...cells(...boxes).entries()].flatMap(([cell, value]) => (value ? [cell] : [])));

const found = (logits: Float32Array) => logits.map((logit) => (logit > 0 ? 1 : 0));

test('a like object that stands apart is cut away', () => {
  const both = mask([1, 4, 6, 12], [15, 4, 6, 12]);
  const kept = keepAttachedParts(both, seeds([3, 8, 1, 1]), side);
  expect(found(kept)).toEqual(cells([1, 4, 6, 12]));
  expect(kept[4 * side + 15]).toBe(-10);
});

test('a part behind a narrow occluder stays', () => {
  // Twelve cells high: within two cells of it.
  const divided = mask([1, 4, 6, 12], [8, 4, 6, 12]);
  expect(keepAttachedParts(divided, seeds([3, 8, 1, 1]), side)).toEqual(divided);
});

test('every part that holds a seed stays, however far apart', () => {
  const both = mask([1, 4, 3, 3], [18, 18, 3, 3]);
  expect(keepAttachedParts(both, seeds([1, 4, 2, 2], [19, 19, 1, 1]), side)).toEqual(both);
});

test('where no part holds a seed the mask stays whole', () => {
  const both = mask([1, 4, 3, 3], [18, 18, 3, 3]);
  expect(keepAttachedParts(both, seeds([10, 10, 2, 2]), side)).toEqual(both);
  const nothing = mask();
  expect(keepAttachedParts(nothing, seeds([10, 10, 2, 2]), side)).toEqual(nothing);
});
