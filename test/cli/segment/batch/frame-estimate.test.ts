import { expect, test } from 'vitest';
import { estimateFrames } from '../../../../src/cli/segment/batch/frame-estimate.ts';

const waiting = { bytes: 1000, expected: null, done: 0, isOver: false };

test('inputs that say how many frames they have are added up', () => {
  const works = [
    { ...waiting, expected: 40 },
    { ...waiting, bytes: null, expected: 1 },
  ];
  expect(estimateFrames(works)).toBe(41);
  expect(estimateFrames([])).toBe(0);
});

test('others count as many for each byte as those that are over', () => {
  const over = { bytes: 500, expected: null, done: 20, isOver: true };
  expect(estimateFrames([waiting])).toBeNull();
  expect(estimateFrames([over, waiting])).toBe(60);
  // What said so itself is no measure for those that do not.
  expect(estimateFrames([{ ...over, expected: 20 }, waiting])).toBeNull();
  expect(estimateFrames([over, { ...waiting, bytes: null }])).toBeNull();
});

test('what came counts more than what was said', () => {
  expect(estimateFrames([{ ...waiting, expected: 10, done: 12 }])).toBe(12);
  expect(estimateFrames([{ ...waiting, expected: 10, done: 7, isOver: true }])).toBe(7);
});
