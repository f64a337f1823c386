import { expect, test } from 'vitest';
import type { Box } from '../../../src/frame/geometry.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import {
  changedRatio,
  backProject,
  learnHistogram,
  resemblance,
  sampleColours,
} from '../../../src/tracking/object/colour-histogram.ts';
import { colouredPicture, green, grey, red } from '../../fixtures/coloured-picture.ts';
import type { Yuv } from '../../fixtures/painted-frames.ts';

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

const histogram = learnHistogram(withRed, filled(home), null)!;

test('an object is found by its colours wherever it turns up', () => {
  const moved: Box = { x: 112, y: 8, width: 32, height: 24 };
  const seen = backProject(samples({ box: moved, colour: red }), histogram);
  expect(seen.score).toBeCloseTo(1, 1);
  expect(seen.place.x * size.width).toBeCloseTo(moved.x, -1);
  expect(seen.place.y * size.height).toBeCloseTo(moved.y, -1);
  expect(backProject(empty, histogram).score).toBe(0);
  expect(backProject(samples({ box: home, colour: green }), histogram).score).toBe(0);
});

test('colours that the surroundings share say nothing', () => {
  const camouflaged = learnHistogram(empty, filled(home), null);
  expect(camouflaged).toBeNull();
  expect(
    learnHistogram(withRed, { size, window: null, values: new Float32Array(0) }, null),
  ).toBeNull();
});

test('the share of a picture that changed is measured above noise', () => {
  expect(changedRatio(empty, empty)).toBe(0);
  const area = (home.width * home.height) / (size.width * size.height);
  expect(changedRatio(empty, withRed)).toBeCloseTo(area, 2);
});

test('a mask resembles the object by its own pixels, and colours not seen before lie between', () => {
  const at = (box: Box, colour: Yuv) => [samples({ box, colour }), filled(box), histogram] as const;
  const elsewhere: Box = { x: 112, y: 8, width: 32, height: 24 };
  expect(resemblance(...at(elsewhere, red))).toBeGreaterThan(0.9);
  expect(resemblance(...at(elsewhere, grey))).toBeLessThan(0.05);
  const unknown = resemblance(...at(elsewhere, green));
  expect(unknown).toBeGreaterThan(0.2);
  expect(unknown).toBeLessThan(0.5);
  const nothing = { size, window: null, values: new Float32Array(0) };
  expect(resemblance(withRed, nothing, histogram)).toBe(0);
});
