import { expect, test } from 'vitest';
import { agreement } from '../../../src/inference/layouts/agreement.ts';

const side = 8;

/** Logits 5 in columns `from`..`to` of the middle rows. */
function bar(from: number, to: number): Float32Array {
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return x >= from && x < to && y >= 2 && y < 6 ? 5 : -5;
  });
}

const nothing = { clicks: [], box: null, prior: null };
const box = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };

test('with a prior, the mask most like it fits best', () => {
  const prior = bar(2, 6).map((logit) => (logit > 0 ? 0.9 : 0.1));
  const asked = { ...nothing, prior };
  expect(agreement(bar(2, 6), 0.2, asked)).toBe(1);
  expect(agreement(bar(2, 4), 1, asked)).toBeCloseTo(0.5, 6);
});

test('with a box, the mask whose bounds are most like it fits best', () => {
  expect(agreement(bar(2, 6), 0.2, { ...nothing, box })).toBe(1);
  expect(agreement(bar(0, 8), 1, { ...nothing, box })).toBeCloseTo(0.5, 6);
});

test('of masks that fit alike, one with all clicks on their side is better', () => {
  const clicks = [
    { x: 0.5, y: 0.5, label: 'positive' },
    { x: 0.1, y: 0.5, label: 'negative' },
  ] as const;
  expect(agreement(bar(2, 6), 0.8, { ...nothing, clicks })).toBeCloseTo(0.8, 6);
  expect(agreement(bar(0, 6), 0.8, { ...nothing, clicks })).toBeCloseTo(0.4, 6);
});

test('with nothing to compare with, the most stable mask is taken', () => {
  expect(agreement(bar(2, 6), 0.9)).toBeGreaterThan(agreement(bar(2, 6), 0.5));
});

test('an empty mask is the worst answer to a box', () => {
  const empty = new Float32Array(side * side).fill(-5);
  expect(agreement(empty, 1, { ...nothing, box })).toBeLessThan(
    agreement(bar(0, 8), 0, { ...nothing, box }),
  );
});
