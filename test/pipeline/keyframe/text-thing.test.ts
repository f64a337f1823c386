import { expect, test } from 'vitest';
import { isThing, logitsBox } from '../../../src/pipeline/keyframe/text-thing.ts';
import type { SegmentedAction } from '../../../src/tracking/tracker-types.ts';

const region = { x: 0.5, y: 0, width: 0.5, height: 1 };
/** The text's box: the middle half of the region. */
const box = { x: 0.625, y: 0.25, width: 0.25, height: 0.5 };

/** A mask of `columns` x 4 cells in the middle of 8 x 8 that cover the region. */
function found(columns: number, more: Partial<SegmentedAction> = {}): SegmentedAction {
  const logits = Float32Array.from({ length: 64 }, (_, cell) => {
    const [x, y] = [cell % 8, cell >> 3];
    return x >= 2 && x < 2 + columns && y >= 2 && y < 6 ? 3 : -3;
  });
  const said = { hidden: false, redetected: false, prompt: null };
  const scores = { predictedIou: 0.8, presence: 0.9, ...said };
  return { kind: 'segmented', objectId: 1, logits, region, ...scores, ...more };
}

test('a mask that fills its box is a thing; a sliver, a doubt and nothing are none', () => {
  expect(isThing(found(4), box)).toBe(true);
  expect(isThing(found(4), { ...box, width: 2.6 })).toBe(false);
  expect(isThing(found(0), box)).toBe(false);
  expect(isThing(found(4, { predictedIou: 0.04 }), box)).toBe(false);
  expect(isThing(found(4, { hidden: true }), box)).toBe(false);
});

test('bounds of a mask are fractions of the picture', () => {
  expect(logitsBox(found(4))).toEqual(box);
  expect(logitsBox(found(0))).toBeNull();
});
