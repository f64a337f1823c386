import { expect, test } from 'vitest';
import type { Box } from '../../../src/frame/geometry.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import { learnHistogram, sampleColours } from '../../../src/tracking/object/colour-histogram.ts';
import {
  judgeRedetection,
  missRedetection,
  startRedetection,
  type RedetectionState,
} from '../../../src/tracking/object/redetection.ts';
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

const filledMask = filled({ x: 0, y: 0, ...size });

const empty = samples();

const withRed = samples({ box: home, colour: red });

const histogram = learnHistogram(withRed, filled(home), null)!;

/** Judges frames in turn, each re-detected in vain where that is asked for; returns the triggers. */
function follow(
  frames: readonly ReturnType<typeof samples>[],
  {
    known = histogram,
    frameRate = 24,
  }: { readonly known?: typeof histogram | null; readonly frameRate?: number } = {},
): string[] {
  const timestampUs = (index: number) => Math.round((index * 1e6) / frameRate);
  let redetection: RedetectionState = startRedetection({ index: 0, timestampUs: 0 });
  return frames.map((picture, i) => {
    const frame = { index: i + 1, timestampUs: timestampUs(i + 1), samples: picture };
    redetection = judgeRedetection(redetection, frame, { histogram: known, area: 0 });
    const { trigger } = redetection;
    if (trigger !== 'none') redetection = missRedetection(redetection, frame);
    return trigger;
  });
}

function asked(triggers: readonly string[], trigger: string): number[] {
  return triggers.flatMap((one, i) => (one === trigger ? [i + 1] : []));
}

test('what resembles the object triggers one attempt at once', () => {
  const frames = [...Array(40).keys()].map((i) => (i < 12 ? empty : withRed));
  const triggers = follow(frames);
  expect(asked(triggers, 'urgent')).toEqual([13]);
});

test('something that resembles it all the time does not keep the model busy', () => {
  const triggers = follow(Array.from({ length: 100 }, (_, i) => (i % 2 ? withRed : samplesAt(i))));
  expect(asked(triggers, 'urgent')).toEqual([]);
});

/** A red object that moves about. */
function samplesAt(i: number) {
  return samples({ box: { ...home, x: 2 * (i % 40) }, colour: red });
}

const noisy = Array.from({ length: 200 }, (_, i) =>
  samples({ box: { x: 2 * (i % 60), y: 0, width: 40, height: 96 }, colour: green }),
);

test('in a changing picture searches become rarer, and much rarer where nothing resembles it', () => {
  expect(asked(follow(noisy, { known: null }), 'due')).toEqual([4, 12, 28, 60, 124]);
  expect(asked(follow(noisy), 'due')).toEqual([16, 48, 112]);
});

test('on slow film searches wait for as little of it as keyframes do, on fast film for as many frames', () => {
  const atFive = asked(follow(noisy, { known: null, frameRate: 5 }), 'due');
  // 4, 8, 16, 32, 64, 120 and 120 frames of usual film, of which each of these counts for 10.5.
  expect(atFive.slice(0, 8)).toEqual([1, 2, 4, 8, 15, 27, 39, 51]);
  expect(asked(follow(noisy, { known: null, frameRate: 60 }), 'due')).toEqual([4, 12, 28, 60, 124]);
});

test('an object that hid while it filled the picture is looked for at a quarter of its size, too', () => {
  const close = samples({ box: { x: 0, y: 0, ...size }, colour: red });
  const near = learnHistogram(close, filledMask, histogram)!;
  const far = samples({ box: { x: 60, y: 36, width: 36, height: 24 }, colour: red });
  // It is gone for ten frames, then it is back, small.
  const frames = Array.from({ length: 30 }, (_, i) => (i < 10 ? empty : far));
  expect(asked(follow(frames, { known: near }), 'urgent')).toEqual([11]);
});

test('in a picture that stands still nothing is re-detected twice', () => {
  expect(asked(follow(Array.from({ length: 300 }, () => empty)), 'due')).toEqual([16]);
});
