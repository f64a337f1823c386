import { expect, test } from 'vitest';
import { colourOf } from '../../../src/inference/text/colour.ts';
import { pictureOf } from '../../../src/inference/picture.ts';
import { findInstances } from '../../../src/inference/text/instances.ts';
import { paintFrame } from '../../fixtures/painted-frames.ts';

const red = [81, 90, 240] as const;
const blue = [41, 240, 110] as const;
const side = 8;

/** Two blobs that touch nowhere: a 3 x 3 one top-left at .9 and a 2 x 4 one at the right at .6. */
const probabilities = Float32Array.from({ length: side * side }, (_, i) => {
  const x = i % side;
  const y = Math.floor(i / side);
  if (x < 3 && y < 3) return 0.9;
  return x >= 6 && y >= 4 ? 0.6 : 0.1;
});
const map = {
  noun: 'car',
  probabilities,
  side,
  minProbability: 0.5,
  minAreaRatio: 0.05,
  border: null,
};

function withPicture<T>(use: (picture: ReturnType<typeof pictureOf>) => T): T {
  using frame = paintFrame({ width: 32, height: 16 }, (x) => (x < 16 ? red : blue));
  return use(pictureOf(frame));
}

test('connected parts become instances with boxes in fractions, best first', () => {
  const found = withPicture((picture) =>
    findInstances(map, { colours: [], picture, minScore: 0.3 }),
  );
  expect(found.map(({ box }) => box)).toEqual([
    { x: 0, y: 0, width: 3 / 8, height: 3 / 8 },
    { x: 6 / 8, y: 4 / 8, width: 2 / 8, height: 4 / 8 },
  ]);
  expect(found[0]!.score).toBeCloseTo(0.81, 5);
  expect(found[1]!.score).toBeCloseTo(0.36, 5);
  expect(found[0]!.noun).toBe('car');
});

test('a colour keeps the instances whose pixels show it', () => {
  withPicture((picture) => {
    const blues = findInstances(map, { colours: ['blue'], picture, minScore: 0.3 });
    expect(blues).toHaveLength(1);
    expect(blues[0]!.box.x).toBe(6 / 8);
    expect(findInstances(map, { colours: ['red', 'blue'], picture, minScore: 0.3 })).toHaveLength(
      2,
    );
    expect(findInstances(map, { colours: ['green'], picture })).toEqual([]);
  });
});

test('specks below the smallest area are dropped, corners that touch join', () => {
  const speckled = new Float32Array(side * side);
  speckled[0] = 1;
  for (const cell of [27, 36, 45, 54]) speckled[cell] = 1;
  const found = withPicture((picture) =>
    findInstances({ ...map, probabilities: speckled }, { colours: [], picture }),
  );
  expect(found).toHaveLength(1);
  expect(found[0]!.box).toEqual({ x: 3 / 8, y: 3 / 8, width: 4 / 8, height: 4 / 8 });
});

/** One blob from column 0 to 7 of rows 2 to 5; borders where `isBorder` says. */
function blobWith(isBorder: (x: number, y: number) => boolean) {
  const at = (i: number): [number, number] => [i % side, Math.floor(i / side)];
  const cells = { length: side * side };
  const blob = Float32Array.from(cells, (_, i) => ([2, 3, 4, 5].includes(at(i)[1]) ? 0.9 : 0.1));
  const edges = Float32Array.from(cells, (_, i) => (isBorder(...at(i)) ? 0.7 : 0.2));
  return { ...map, probabilities: blob, border: { probabilities: edges, minProbability: 0.6 } };
}

test('things that touch are cut at their border, and the border goes to the nearer one', () => {
  const found = withPicture((picture) =>
    findInstances(
      blobWith((x) => x === 2 || x === 3),
      { colours: [], picture },
    ),
  );
  const boxes = found.map(({ box }) => box).toSorted((a, b) => a.x - b.x);
  expect(boxes).toEqual([
    { x: 0, y: 2 / 8, width: 3 / 8, height: 4 / 8 },
    { x: 3 / 8, y: 2 / 8, width: 5 / 8, height: 4 / 8 },
  ]);
});

test.each([
  ['a border that does not run through', (x: number, y: number) => x === 3 && y < 5],
  ['a core that is a speck', (x: number, y: number) => x + y === 8 && y > 3],
  ['borders everywhere', () => true],
])('%s leaves one thing whole', (_what, isBorder) => {
  const found = withPicture((picture) =>
    findInstances(blobWith(isBorder), { colours: [], picture }),
  );
  expect(found.map(({ box }) => box)).toEqual([{ x: 0, y: 2 / 8, width: 1, height: 4 / 8 }]);
});

test.each([
  ['red', [81, 90, 240]],
  ['green', [145, 54, 34]],
  ['blue', [41, 240, 110]],
  ['yellow', [210, 16, 146]],
  ['orange', [150, 60, 190]],
  ['brown', [80, 105, 150]],
  ['purple', [80, 175, 160]],
  ['pink', [180, 128, 165]],
  ['white', [230, 128, 128]],
  ['grey', [120, 128, 128]],
  ['black', [30, 128, 128]],
] as const)('%s is told from its pixel %j', (name, [y, u, v]) => {
  expect(colourOf(y, u, v)).toBe(name);
});

test('what is half believed in is no instance, whatever its colour', () => {
  withPicture((picture) => {
    const certain = findInstances(map, { colours: [], picture });
    expect(certain.map(({ box }) => box.x)).toEqual([0]);
    // All of it is blue, but hardly a car.
    expect(findInstances(map, { colours: ['blue'], picture })).toEqual([]);
    expect(findInstances(map, { colours: [], picture, minScore: 0.9 })).toEqual([]);
  });
});

test('a colour orders what is found, and does not change how certain it is', () => {
  withPicture((picture) => {
    const [first] = findInstances(map, { colours: ['red'], picture });
    expect(first?.score).toBeCloseTo(0.81, 5);
  });
});
