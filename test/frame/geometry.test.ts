import { expect, test } from 'vitest';
import { clipBox, fitLongSide, scaleBox, unionBox } from '../../src/frame/geometry.ts';

const size = { width: 100, height: 50 };

function box(x: number, y: number, width: number, height: number) {
  return { x, y, width, height };
}

test.each([
  [box(-10, -10, 20, 20), box(0, 0, 10, 10)],
  [box(90, 40, 20, 20), box(90, 40, 10, 10)],
  [box(-5, -5, 200, 200), box(0, 0, 100, 50)],
  [box(100, 0, 5, 5), null],
  [box(0, -5, 5, 5), null],
  [box(10, 10, 0, 5), null],
  [box(10, 10, -3, 5), null],
])('%j clipped is %j', (given, expected) => {
  expect(clipBox(given, size)).toEqual(expected);
});

test('the union holds both boxes; empty is null', () => {
  expect(unionBox(box(0, 0, 2, 2), box(5, 1, 1, 4))).toEqual(box(0, 0, 6, 5));
  expect(unionBox(null, box(5, 1, 1, 4))).toEqual(box(5, 1, 1, 4));
  expect(unionBox(box(5, 1, 1, 4), null)).toEqual(box(5, 1, 1, 4));
  expect(unionBox(null, null)).toBeNull();
});

test('boxes scale by axis, sizes fit their longer side and never grow', () => {
  expect(scaleBox(box(10, 10, 4, 4), size, { width: 50, height: 100 })).toEqual(box(5, 20, 2, 8));
  expect(fitLongSide({ width: 1920, height: 1080 }, 512)).toEqual({ width: 512, height: 288 });
  expect(fitLongSide({ width: 90, height: 300 }, 512)).toEqual({ width: 90, height: 300 });
  expect(fitLongSide({ width: 1, height: 10_000 }, 100)).toEqual({ width: 1, height: 100 });
});
