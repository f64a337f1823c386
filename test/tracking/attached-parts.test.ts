import { expect, test } from 'vitest';
import { keepAttachedParts } from '../../src/tracking/attached-parts.ts';

const side = 48;

/** 5 inside the squares (x, y, width), -5 elsewhere. */
function logitsOf(...squares: readonly (readonly [number, number, number])[]): Float32Array {
  const logits = new Float32Array(side * side).fill(-5);
  for (const [x, y, width] of squares) {
    for (let row = y; row < y + width; row++)
      logits.fill(5, row * side + x, row * side + x + width);
  }
  return logits;
}

function priorOf(x: number, y: number, width: number): Float32Array {
  return logitsOf([x, y, width]).map((logit) => (logit > 0 ? 0.9 : 0.1));
}

function insideAt(logits: Float32Array, x: number, y: number): boolean {
  return (logits[y * side + x] ?? 0) > 0;
}

test('a like object elsewhere is cut away, the object itself stays as it was', () => {
  const logits = logitsOf([1, 1, 4], [30, 30, 4]);
  const kept = keepAttachedParts(logits, priorOf(1, 1, 4), side);
  expect(insideAt(kept, 2, 2)).toBe(true);
  expect(insideAt(kept, 31, 31)).toBe(false);
  expect(kept[2 * side + 2]).toBe(5);
});

test('parts of an object that a thin occluder divides all stay', () => {
  const logits = logitsOf([1, 1, 4], [6, 1, 4]);
  const kept = keepAttachedParts(logits, priorOf(1, 1, 4), side);
  expect(insideAt(kept, 7, 2)).toBe(true);
});

test('a mask that flow has lost altogether stays whole', () => {
  const logits = logitsOf([30, 30, 4]);
  expect(keepAttachedParts(logits, priorOf(1, 1, 3), side)).toEqual(logits);
});
