import { expect, test } from 'vitest';
import type { Box } from '../../../src/frame/geometry.ts';
import { wholePicture } from '../../../src/frame/geometry.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import { learnHistogram, sampleColours } from '../../../src/tracking/object/colour-histogram.ts';
import { doubtVanishing } from '../../../src/tracking/object/doubt-vanishing.ts';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';
import {
  newTrackedObject,
  type TrackedObject,
} from '../../../src/tracking/object/tracked-object.ts';
import type { SegmentedAction } from '../../../src/tracking/tracker-types.ts';
import { colouredPicture, green, grey, red } from '../../fixtures/coloured-picture.ts';
import type { Yuv } from '../../fixtures/painted-frames.ts';

const size = { width: 160, height: 96 };
const maskSide = 32;
const large: Box = { x: 0, y: 0, width: 150, height: 96 };
const elsewhere: Box = { x: 100, y: 48, width: 20, height: 16 };

function samples(box: Box, colour: Yuv) {
  return sampleColours(colouredPicture(size, grey, [{ box, colour }]));
}

function masked(window: Box): SoftMask {
  return { size, window, values: new Float32Array(window.width * window.height).fill(1) };
}

/** A red object whose colours were learnt when it stood in the middle, and a mask carried since. */
function carried(box: Box): TrackedObject {
  const home: Box = { x: 40, y: 32, width: 32, height: 24 };
  return {
    ...newTrackedObject(1, masked(box)),
    area: box.width * box.height,
    histogram: learnHistogram(samples(home, red), masked(home), null),
  };
}

/** The model's mask is `box`, and it says that the object is not there. */
function gone(box: Box, changed: Partial<SegmentedAction> = {}): SegmentedAction {
  const logits = Float32Array.from({ length: maskSide * maskSide }, (_, at) => {
    const x = (((at % maskSide) + 0.5) / maskSide) * size.width;
    const y = ((Math.floor(at / maskSide) + 0.5) / maskSide) * size.height;
    return x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height ? 8 : -8;
  });
  return {
    kind: 'segmented',
    objectId: 1,
    logits,
    predictedIou: 0.8,
    presence: 0.02,
    hidden: true,
    redetected: false,
    region: wholePicture,
    prompt: null,
    ...changed,
  };
}

/** On one and the same frame. */
function judge(action: SegmentedAction, object: TrackedObject, colour: Yuv, box: Box = large) {
  const both = { before: object, now: object };
  return doubtVanishing(action, both, { samples: samples(box, colour), maskSide });
}

test('an object that fills the picture is there, where the model draws it and calls it gone', () => {
  const said = judge(gone(large), carried(large), red);
  expect(said).toMatchObject({ hidden: false, presence: 0.5, predictedIou: 0.8 });
});

test('where the model draws something else, or nothing, the propagated mask stays', () => {
  for (const drawn of [elsewhere, { x: 0, y: 0, width: 0, height: 0 }]) {
    const said = judge(gone(drawn), carried(large), red);
    expect(said).toEqual({ kind: 'doubted', objectId: 1, predictedIou: 0.8, presence: 0.5 });
  }
});

test('a small object may vanish from one frame to the next', () => {
  const small = gone({ x: 60, y: 20, width: 10, height: 10 });
  expect(judge(small, carried(elsewhere), red, elsewhere)).toBe(small);
});

test('a mask that flow left on something else proves nothing, however much the model’s is like it', () => {
  const action = gone(large);
  expect(judge(action, carried(large), grey)).toBe(action);
  expect(judge(action, carried(large), green)).toBe(action);
});

test('an answer that comes late is judged by the colours where the mask has got to', () => {
  const then = carried(large);
  const action = gone(large);
  const now = carried(elsewhere);
  const colours = { samples: samples(elsewhere, red), maskSide };
  expect(doubtVanishing(action, { before: then, now }, colours)).toMatchObject({ hidden: false });
  const covered = { samples: samples(elsewhere, green), maskSide };
  expect(doubtVanishing(action, { before: then, now }, covered)).toBe(action);
});

test('what is there, what was found by memory alone and what had no mask is not doubted', () => {
  for (const action of [
    gone(large, { hidden: false, presence: 0.9 }),
    gone(large, { redetected: true }),
  ]) {
    expect(judge(action, carried(large), red)).toBe(action);
  }
  const action = gone(large);
  const without = { ...carried(large), soft: emptySoftMask(size), area: 0 };
  expect(judge(action, without, red)).toBe(action);
  expect(judge(action, { ...carried(large), histogram: null }, red)).toBe(action);
});
