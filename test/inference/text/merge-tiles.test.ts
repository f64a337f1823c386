import { expect, test } from 'vitest';
import { mergeTiles } from '../../../src/inference/text/merge-tiles.ts';

const side = 4;

/** Two channels of one value each. */
function flat(first: number, second: number) {
  const maps = Float32Array.from({ length: 2 * side * side }, (_, i) =>
    i < side * side ? first : second,
  );
  return { maps, side };
}

test('without tiles the map is what the picture says of the channel', () => {
  const merged = mergeTiles(flat(0.2, 0.6), [], 1);
  expect(merged.side).toBe(side);
  expect([...new Set(merged.probabilities)]).toEqual([Math.fround(0.6)]);
});

test('a place is the mean of the picture and of the tiles over it', () => {
  const tiles = [
    { region: { x: 0, y: 0, width: 0.5, height: 1 }, maps: flat(0.6, 0) },
    { region: { x: 0.25, y: 0, width: 0.5, height: 1 }, maps: flat(1, 0) },
  ];
  const { probabilities, side: fine } = mergeTiles(flat(0.2, 0), tiles, 0);
  expect(fine).toBe(2 * side);
  const row = [...probabilities.subarray(3 * fine, 4 * fine)];
  const wanted = [0.4, 0.4, 0.5, 0.5, 0.6, 0.6, 0.2, 0.2];
  for (const [i, value] of row.entries()) expect(value).toBeCloseTo(wanted[i]!, 5);
});

test('what a tile sees lands where the tile lies', () => {
  const maps = new Float32Array(side * side);
  maps[2 * side + 1] = 1;
  const region = { x: 0.5, y: 0.5, width: 0.5, height: 0.5 };
  const { probabilities, side: fine } = mergeTiles(
    { maps: new Float32Array(side * side), side },
    [{ region, maps: { maps, side } }],
    0,
  );
  const lit = [...probabilities.entries()].filter(([, value]) => value > 0);
  expect(lit).toEqual([[6 * fine + 5, 0.5]]);
});
