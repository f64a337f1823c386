import { expect, test } from 'vitest';
import { wholePicture, type Box } from '../../src/frame/geometry.ts';
import { boxInRegion, regionAround, sharedRegion } from '../../src/frame/region-of-interest.ts';

/** x, y, width and height, without the noise of their last digits. */
function sidesOf({ x, y, width, height }: Box): number[] {
  return [x, y, width, height].map((side) => Math.round(side * 1e9) / 1e9);
}

test('a region is the box made larger about its centre', () => {
  expect(sidesOf(regionAround({ x: 0.4, y: 0.5, width: 0.2, height: 0.15 }, 2))).toEqual([
    0.3, 0.425, 0.4, 0.3,
  ]);
});

test('a small box gets a quarter of the picture, so that its surroundings show', () => {
  const speck = { x: 0.5, y: 0.5, width: 0.01, height: 0.02 };
  expect(sidesOf(regionAround(speck, 2))).toEqual([0.505 - 0.125, 0.51 - 0.125, 0.25, 0.25]);
});

test('a region at the border is moved into the picture, and never larger than it', () => {
  const size = 0.2;
  for (const x of [0, 0.05, 0.4, 0.75, 0.8]) {
    for (const y of [0, 0.8]) {
      const region = regionAround({ x, y, width: size, height: size }, 3);
      expect(region.width).toBeCloseTo(0.6, 9);
      expect(region.x).toBeGreaterThanOrEqual(0);
      expect(region.y).toBeGreaterThanOrEqual(0);
      expect(region.x + region.width).toBeLessThanOrEqual(1 + 1e-9);
      expect(region.y + region.height).toBeLessThanOrEqual(1 + 1e-9);
      expect(region.x).toBeLessThanOrEqual(x);
      expect(region.x + region.width).toBeGreaterThanOrEqual(x + size);
    }
  }
  expect(sidesOf(regionAround({ x: 0.1, y: 0.2, width: 0.6, height: 0.7 }, 2))).toEqual([
    0, 0, 1, 1,
  ]);
});

test('objects share the smallest region that holds the region of each', () => {
  const left = { x: 0.1, y: 0.4, width: 0.2, height: 0.2 };
  const right = { x: 0.6, y: 0.5, width: 0.2, height: 0.2 };
  expect(sidesOf(sharedRegion([left, right], 2))).toEqual([0, 0.3, 0.9, 0.5]);
  expect(sharedRegion([left], 2)).toEqual(regionAround(left, 2));
});

test('without objects or a scale the region is the whole picture', () => {
  expect(sharedRegion([], 2)).toBe(wholePicture);
  expect(sharedRegion([{ x: 0.1, y: 0.1, width: 0.1, height: 0.1 }], null)).toBe(wholePicture);
});

test('a box in fractions of a region is cut to it', () => {
  const region = { x: 0.2, y: 0.4, width: 0.5, height: 0.25 };
  const inside = { x: 0.3, y: 0.5, width: 0.1, height: 0.05 };
  expect(sidesOf(boxInRegion(inside, region))).toEqual([0.2, 0.4, 0.2, 0.2]);
  const across = { x: 0.1, y: 0.5, width: 0.35, height: 0.5 };
  expect(sidesOf(boxInRegion(across, region))).toEqual([0, 0.4, 0.5, 0.6]);
  expect(sidesOf(boxInRegion(inside, wholePicture))).toEqual([0.3, 0.5, 0.1, 0.05]);
});
