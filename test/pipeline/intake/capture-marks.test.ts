import { expect, test } from 'vitest';
import { CaptureMarks } from '../../../src/pipeline/intake/capture-marks.ts';

/** Units of ten bytes, captured at 0, 1, 2 and so on. */
function marksOf(units: number): CaptureMarks {
  const marks = new CaptureMarks();
  for (let unit = 0; unit < units; unit++) marks.add(10, unit);
  return marks;
}

test('a frame takes the time of the unit it begins in, whatever gave no frame before', () => {
  const marks = marksOf(8);
  expect([30, 40, 72].map((position) => marks.take(position))).toEqual([3, 4, 7]);
});

test('frames may come in another order than their units', () => {
  const marks = marksOf(5);
  expect([0, 20, 10, 40, 30].map((position) => marks.take(position))).toEqual([0, 2, 1, 4, 3]);
});

test('a chunk gives its time once, to the first frame in it', () => {
  const marks = new CaptureMarks();
  marks.add(100, null);
  marks.add(100, 7);
  marks.add(100, null);
  expect([0, 110, 160, 250].map((position) => marks.take(position))).toEqual([null, 7, null, null]);
});

test('a unit begins with the delimiter that ends the chunk before it', () => {
  const marks = new CaptureMarks();
  for (let unit = 0; unit < 3; unit++) marks.add(16, unit, 6);
  expect([0, 10, 26].map((position) => marks.take(position))).toEqual([0, 1, 2]);
});

test('frames without a position take times in order', () => {
  const marks = marksOf(2);
  expect([marks.take(null), marks.take(null), marks.take(null)]).toEqual([0, 1, null]);
});

test('what is kept is bounded', () => {
  const marks = marksOf(5000);
  expect(marks.take(10)).toBeNull();
  expect(marks.take(49_990)).toBe(4999);
  expect(marks.take(49_800)).toBeNull();
});
