import { expect, test } from 'vitest';
import type { Box } from '../../../src/frame/geometry.ts';
import { wholePicture } from '../../../src/frame/geometry.ts';
import { learnHistogram, sampleColours } from '../../../src/tracking/object/colour-histogram.ts';
import { rejectUnlike } from '../../../src/tracking/object/reject-unlike.ts';
import {
  newTrackedObject,
  presenceOf,
  type TrackedObject,
} from '../../../src/tracking/object/tracked-object.ts';
import { emptySoftMask, softMaskBounds } from '../../../src/tracking/mask/model-mask.ts';
import type { SegmentedAction } from '../../../src/tracking/tracker-types.ts';
import { colouredPicture, green, grey, red } from '../../fixtures/coloured-picture.ts';
import type { Yuv } from '../../fixtures/painted-frames.ts';

const size = { width: 160, height: 96 };
const home: Box = { x: 40, y: 32, width: 32, height: 24 };
const elsewhere: Box = { x: 96, y: 8, width: 32, height: 24 };

function coloured(...boxes: { readonly box: Box; readonly colour: Yuv }[]) {
  return sampleColours(colouredPicture(size, grey, boxes));
}

function masked(window: Box): TrackedObject['soft'] {
  return { size, window, values: new Float32Array(window.width * window.height).fill(1) };
}

/** The red object that was last seen beside a green one, and has gone. */
const beside = coloured({ box: home, colour: red }, { box: elsewhere, colour: green });
const hidden: TrackedObject = {
  ...newTrackedObject(1, emptySoftMask(size)),
  histogram: learnHistogram(beside, masked(home), null),
};
const made: TrackedObject = {
  ...hidden,
  soft: masked(elsewhere),
  area: 32 * 24,
  sourceKeyframe: { frameIndex: 9, timestampUs: 9, predictedIou: 0.9, presence: 0.98, area: 768 },
};
const action: SegmentedAction = {
  kind: 'segmented',
  objectId: 1,
  logits: new Float32Array(0),
  predictedIou: 0.9,
  presence: 0.98,
  hidden: false,
  redetected: true,
  region: wholePicture,
  prompt: null,
};

function isIn(box: Box, x: number, y: number): boolean {
  return x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;
}

function framed(colour: Yuv) {
  return { index: 9, timestampUs: 9, samples: coloured({ box: elsewhere, colour }) };
}

test('what was beside the object before is not taken for it, however sure the model is', () => {
  const after = rejectUnlike(made, hidden, action, framed(green));
  expect(after.area).toBe(0);
  expect(after.histogram).toBe(hidden.histogram);
  expect(after.redetection).not.toBeNull();
  expect(presenceOf(after, 9)).toBeLessThan(0.05);
});

test('its own colours elsewhere are taken, and so are new ones, as in another light', () => {
  expect(rejectUnlike(made, hidden, action, framed(red))).toBe(made);
  const light = rejectUnlike(made, hidden, action, framed([200, 60, 160]));
  expect(light).toBe(made);
});

test('of a mask that covers the object and what was beside it before, only the object stays', () => {
  const both = masked({ x: 0, y: 0, width: 160, height: 96 });
  const values = both.values.map((_, at) => {
    const [x, y] = [at % size.width, Math.floor(at / size.width)];
    return [home, elsewhere].some((box) => isIn(box, x, y)) ? 1 : 0;
  });
  const samples = coloured({ box: home, colour: red }, { box: elsewhere, colour: green });
  const found = { ...made, soft: { ...both, values }, area: 2 * 32 * 24 };
  const after = rejectUnlike(found, hidden, action, { index: 9, timestampUs: 9, samples });
  expect(after).not.toBe(found);
  expect(after.area).toBe(32 * 24);
  expect(after.sourceKeyframe?.area).toBe(32 * 24);
  expect(softMaskBounds(after.soft)).toEqual(home);
  expect(after.redetection).toBe(found.redetection);
});

test('where the object touches a larger thing of other colours, only what is like it stays', () => {
  const wall: Box = { x: 72, y: 20, width: 44, height: 44 };
  const samples = coloured({ box: home, colour: red }, { box: wall, colour: green });
  const window: Box = { x: 40, y: 20, width: 76, height: 44 };
  const values = masked(window).values.map((_, at) => {
    const [x, y] = [window.x + (at % window.width), window.y + Math.floor(at / window.width)];
    return isIn(home, x, y) || isIn(wall, x, y) ? 1 : 0;
  });
  const found = { ...made, soft: { size, window, values }, area: 32 * 24 + 44 * 44 };
  const walled = coloured({ box: home, colour: red }, { box: wall, colour: green });
  const histogram = learnHistogram(walled, masked(home), null);
  const after = rejectUnlike(found, { ...hidden, histogram }, action, {
    index: 9,
    timestampUs: 9,
    samples,
  });
  const bounds = softMaskBounds(after.soft)!;
  expect(bounds.x).toBe(home.x);
  expect(bounds.x + bounds.width).toBeLessThanOrEqual(home.x + home.width + 8);
  expect(after.area).toBeGreaterThanOrEqual(32 * 24);
  expect(after.area).toBeLessThan(1.6 * 32 * 24);
});

test('a histogram of the sliver that is left of an object at the border does not make all alike', () => {
  const sliver: Box = { x: 0, y: 32, width: 4, height: 24 };
  const leaving = coloured({ box: sliver, colour: red }, { box: elsewhere, colour: green });
  const histogram = learnHistogram(leaving, masked(sliver), hidden.histogram);
  const after = rejectUnlike(made, { ...hidden, histogram }, action, framed(green));
  expect(after.area).toBe(0);
});

test('only re-detection is judged: prompts and propagated masks are not', () => {
  const told = { ...action, redetected: false };
  expect(rejectUnlike(made, hidden, told, framed(green))).toBe(made);
  expect(rejectUnlike(made, { ...hidden, histogram: null }, action, framed(grey))).toBe(made);
});
