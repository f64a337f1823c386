import { expect, test } from 'vitest';
import type { Box } from '../../../src/frame/geometry.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import {
  changedShare,
  findResemblance,
  learnLook,
  sampleColours,
} from '../../../src/tracking/object/colour-histogram.ts';
import {
  judgeSearch,
  missSearch,
  startSearch,
  type HiddenSearch,
} from '../../../src/tracking/object/redetection.ts';
import { colouredPicture, green, grey, red, type Yuv } from '../../fixtures/coloured-picture.ts';

const size = { width: 160, height: 96 };
const home: Box = { x: 40, y: 32, width: 32, height: 24 };

function samples(...boxes: { readonly box: Box; readonly colour: Yuv }[]) {
  return sampleColours(colouredPicture(size, grey, boxes));
}

function filled(window: Box): SoftMask {
  return { size, window, values: new Float32Array(window.width * window.height).fill(1) };
}

const empty = samples();
const withRed = samples({ box: home, colour: red });
const look = learnLook(withRed, filled(home), null)!;

test('an object is found by its colours wherever it turns up', () => {
  const elsewhere: Box = { x: 112, y: 8, width: 32, height: 24 };
  const seen = findResemblance(samples({ box: elsewhere, colour: red }), look);
  expect(seen.score).toBeCloseTo(1, 1);
  expect(seen.place.x * size.width).toBeCloseTo(elsewhere.x, -1);
  expect(seen.place.y * size.height).toBeCloseTo(elsewhere.y, -1);
  expect(findResemblance(empty, look).score).toBe(0);
  expect(findResemblance(samples({ box: home, colour: green }), look).score).toBe(0);
});

test('colours that the surroundings share say nothing', () => {
  const camouflaged = learnLook(empty, filled(home), null);
  expect(camouflaged).toBeNull();
  expect(learnLook(withRed, { size, window: null, values: new Float32Array(0) }, null)).toBeNull();
});

test('the share of a picture that changed is measured above noise', () => {
  expect(changedShare(empty, empty)).toBe(0);
  const area = (home.width * home.height) / (size.width * size.height);
  expect(changedShare(empty, withRed)).toBeCloseTo(area, 2);
});

/** Judges frames in turn, each searched in vain where the search asks; returns the urges. */
function follow(
  frames: readonly ReturnType<typeof samples>[],
  from: HiddenSearch = startSearch(0),
  known: typeof look | null = look,
): string[] {
  let search = from;
  return frames.map((picture, i) => {
    const frame = { index: i + 1, samples: picture };
    search = judgeSearch(search, frame, { look: known, area: 0 });
    const { urge } = search;
    if (urge !== 'none') search = missSearch(search, frame);
    return urge;
  });
}

function asked(urges: readonly string[], urge: string): number[] {
  return urges.flatMap((one, i) => (one === urge ? [i + 1] : []));
}

test('what resembles the object is looked at at once, and once', () => {
  const frames = [...Array(40).keys()].map((i) => (i < 12 ? empty : withRed));
  const urges = follow(frames);
  expect(asked(urges, 'urgent')).toEqual([13]);
});

test('something that resembles it all the time does not keep the model busy', () => {
  const urges = follow(Array.from({ length: 100 }, (_, i) => (i % 2 ? withRed : samplesAt(i))));
  expect(asked(urges, 'urgent')).toEqual([]);
});

/** A red object that moves about. */
function samplesAt(i: number) {
  return samples({ box: { ...home, x: 2 * (i % 40) }, colour: red });
}

test('in a changing picture searches become rarer, and much rarer where nothing resembles it', () => {
  const noisy = Array.from({ length: 200 }, (_, i) =>
    samples({ box: { x: 2 * (i % 60), y: 0, width: 40, height: 96 }, colour: green }),
  );
  expect(asked(follow(noisy, startSearch(0), null), 'due')).toEqual([4, 12, 28, 60, 124]);
  expect(asked(follow(noisy), 'due')).toEqual([16, 48, 112]);
});

test('in a picture that stands still nothing is looked for twice', () => {
  expect(asked(follow(Array.from({ length: 300 }, () => empty)), 'due')).toEqual([16]);
});
