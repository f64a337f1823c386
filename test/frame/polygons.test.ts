import { describe, expect, test } from 'vitest';
import { decodePolygons, encodePolygons } from '../../src/frame/polygons.ts';
import { drawn } from '../fixtures/small-masks.ts';

/** Shoelace area; with y down, positive is clockwise on the screen. */
function areaOf(corners: readonly number[]): number {
  let twice = 0;
  for (let at = 0; at < corners.length; at += 2) {
    const next = (at + 2) % corners.length;
    const [x0 = 0, y0 = 0] = corners.slice(at);
    const [x1 = 0, y1 = 0] = corners.slice(next);
    twice += x0 * y1 - x1 * y0;
  }
  return twice / 2;
}

describe('polygons', () => {
  test('run clockwise on the screen around objects and the other way around holes', () => {
    const outlines = encodePolygons(drawn('####', '#..#', '####'));
    expect(outlines.map(areaOf)).toEqual([12, -2]);
  });

  test('of pixels that touch by a corner stay apart', () => {
    expect(encodePolygons(drawn('#.', '.#')).map(areaOf)).toEqual([1, 1]);
  });

  test('hold corners only', () => {
    expect(encodePolygons(drawn('....', '.##.', '.##.', '....'))).toEqual([
      [3, 3, 1, 3, 1, 1, 3, 1],
    ]);
  });

  test('with slanted edges fill the pixels whose centre is inside', () => {
    const mask = decodePolygons([[0, 0, 4, 0, 1, 4, 0, 4]], { width: 4, height: 4 });
    expect(mask).toEqual(drawn('####', '###.', '##..', '#...'));
  });

  test('that leave the picture are cut off', () => {
    const mask = decodePolygons([[-5, -5, 9, -5, 9, 2, -5, 2]], { width: 3, height: 3 });
    expect(mask).toEqual(drawn('###', '###', '...'));
  });

  test('with less than three corners or too much work in them are refused', () => {
    const size = { width: 100, height: 100 };
    expect(() => decodePolygons([[1, 1, 2, 2]], size)).toThrow('3 or more corners');
    const zigzag = Array.from({ length: 4000 }, (_, at) => [at % 100, at % 2 === 0 ? 0 : 100]);
    expect(() => decodePolygons([zigzag.flat()], size)).toThrow('simpler');
  });
});
