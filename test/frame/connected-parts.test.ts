import { describe, expect, test } from 'vitest';
import { boundsOfCells, connectedParts, neighbours } from '../../src/frame/connected-parts.ts';
import { randomNumbers } from '../../bench/support/random-numbers.ts';

/** Rows of `.` and `#`. */
function gridOf(...rows: string[]) {
  const inside = Uint8Array.from(rows.join(''), (cell) => (cell === '#' ? 255 : 0));
  return { inside, size: { width: rows[0]?.length ?? 0, height: rows.length } };
}

/** Numbers every cell of a part by its lowest cell, by spreading the lower number until it rests. */
function labelsByBruteForce(inside: Uint8Array, width: number, reach: 4 | 8): number[] {
  const labels = Array.from(inside, (value, cell) => (value === 0 ? -1 : cell));
  for (let changed = true; changed;) {
    changed = false;
    for (const a of labels.keys()) {
      for (const b of labels.keys()) {
        if (labels[a]! < 0 || labels[b]! <= labels[a]!) continue;
        const across = Math.abs((a % width) - (b % width));
        const down = Math.abs(Math.floor(a / width) - Math.floor(b / width));
        if (reach === 4 ? across + down > 1 : Math.max(across, down) > 1) continue;
        labels[b] = labels[a]!;
        changed = true;
      }
    }
  }
  return labels;
}

describe.each([4, 8] as const)('with %i neighbours', (reach) => {
  test('the parts of random grids are those that brute force finds, in scan order', () => {
    const random = randomNumbers(3);
    for (let round = 0; round < 60; round++) {
      const size = { width: 1 + Math.floor(random() * 9), height: 1 + Math.floor(random() * 9) };
      const density = random();
      const inside = Uint8Array.from({ length: size.width * size.height }, () =>
        random() < density ? 1 : 0,
      );
      const parts = connectedParts(inside, size, reach);
      const labels = Array<number>(inside.length).fill(-1);
      for (const part of parts) for (const cell of part) labels[cell] = Math.min(...part);
      expect(labels).toEqual(labelsByBruteForce(inside, size.width, reach));
      expect(parts.flat()).toHaveLength(inside.reduce((sum, value) => sum + value, 0));
      const firsts = parts.map(([first]) => first!);
      expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    }
  });

  test('neighbours do not wrap around the sides of the grid', () => {
    const size = { width: 3, height: 3 };
    const others = (cell: number) =>
      neighbours(cell, size, reach)
        .filter((next) => next !== cell)
        .toSorted((a, b) => a - b);
    expect(others(2)).toEqual(reach === 4 ? [1, 5] : [1, 4, 5]);
    expect(others(4)).toEqual(reach === 4 ? [1, 3, 5, 7] : [0, 1, 2, 3, 5, 6, 7, 8]);
  });
});

test('cells that touch by a corner are one part or two', () => {
  const { inside, size } = gridOf('#.', '.#');
  expect(connectedParts(inside, size, 4)).toEqual([[0], [3]]);
  expect(connectedParts(inside, size, 8)).toEqual([[0, 3]]);
});

test('the grid itself is left as it is', () => {
  const { inside, size } = gridOf('##', '.#');
  connectedParts(inside, size, 4);
  expect([...inside]).toEqual([255, 255, 0, 255]);
});

test('bounds are tight, over rows and columns', () => {
  expect(boundsOfCells([7, 13, 12], 5)).toEqual({ x: 2, y: 1, width: 2, height: 2 });
  expect(boundsOfCells([0], 5)).toEqual({ x: 0, y: 0, width: 1, height: 1 });
});
