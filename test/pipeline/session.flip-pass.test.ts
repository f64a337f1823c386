import { runLengthsOf } from '../../src/frame/coco-rle.ts';
import { afterEach, expect, test } from 'vitest';
import { KeyframeBudget } from '../../src/pipeline/keyframe/budget.ts';
import { maskIou } from '../../src/frame/mask.ts';
import { wholePicture } from '../../src/frame/geometry.ts';
import type { DecodeRequest } from '../../src/frame/ports.ts';
import { createFakeSegmenter, fakeModel, type FakeSegmenter } from '../fixtures/fake-segmenter.ts';
import { movingSquare, trueMask, twoSquares } from '../fixtures/fake-video.ts';
import {
  click,
  maskOf,
  openTwoBoxes,
  prompt,
  readAll,
  TestSessions,
} from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const open = sessions.open;

afterEach(() => sessions.expectNothingLeft());

/** A model that gains from flip passes; what it was asked is kept. */
function flippingModel(tracking: Partial<typeof fakeModel.tracking> = {}): {
  readonly segmenter: FakeSegmenter;
  readonly asked: { readonly frameIndex: number; readonly request: DecodeRequest }[];
} {
  const segmenter = createFakeSegmenter({
    tracking: { ...fakeModel.tracking, regionScale: 2, averageFlipPass: true, ...tracking },
  });
  const asked: { frameIndex: number; request: DecodeRequest }[] = [];
  segmenter.hooks.decode = (frameIndex, requests) => {
    for (const request of requests) asked.push({ frameIndex, request });
  };
  return { segmenter, asked };
}

const squareBox = { x: 16, y: 20, width: 20, height: 20 };

test('a box gets one more pass, a flipped zoomed crop; later keyframes do not', async () => {
  const { segmenter, asked } = flippingModel();
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, { box: { ...squareBox, width: 14 } }))
    .frames(7)
    .end();
  const { results, summary } = await readAll(session);
  expect(segmenter.encoded).toEqual([0, 0, 5]);
  expect(segmenter.flipped).toEqual([false, true, false]);
  expect(summary).toMatchObject({ keyframes: 2, encoderRuns: 3 });
  const [wide, close] = segmenter.regions;
  expect(close!.height).toBeLessThan(wide!.height);
  // The box holds the left of the square, which is its right in the flipped region.
  const { box, prior } = asked[1]!.request;
  expect(box!.x + box!.width / 2).toBeGreaterThan(0.5);
  expect(prior).toBeNull();
  // What is remembered is the picture as it is.
  const [memory] = asked[2]!.request.memory;
  expect(memory!.features).toMatchObject({ region: wide, flipped: false });
  expect(maskIou(maskOf(results[0], 1), trueMask(movingSquare, 0, 1))).toBeGreaterThan(0.9);
});

test('a click is decoded in the whole picture, in a zoomed crop, and flipped with the mask so far', async () => {
  const { segmenter, asked } = flippingModel({ decodePromptTwice: true });
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, click(20, 24)))
    .frames(1)
    .end();
  const { results, summary } = await readAll(session);
  // The last one is what is remembered of it.
  expect(segmenter.flipped).toEqual([false, false, true, false]);
  expect(summary).toMatchObject({ keyframes: 1, encoderRuns: 4 });
  const region = segmenter.regions[2]!;
  const { clicks, prior } = asked[2]!.request;
  expect(clicks[0]!.x).toBeCloseTo(1 - (20.5 / 96 - region.x) / region.width, 6);
  expect(clicks[0]!.y).toBeCloseTo((24.5 / 64 - region.y) / region.height, 6);
  expect(prior).not.toBeNull();
  expect(maskIou(maskOf(results[0], 1), trueMask(movingSquare, 0, 1))).toBeGreaterThan(0.9);
});

test('a model that sees whole pictures sees the whole picture flipped', async () => {
  const { segmenter } = flippingModel({ regionScale: null });
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, click(20, 24)))
    .frames(1)
    .end();
  const { results } = await readAll(session);
  expect(segmenter.regions).toEqual([wholePicture, wholePicture]);
  expect(segmenter.flipped).toEqual([false, true]);
  expect(maskIou(maskOf(results[0], 1), trueMask(movingSquare, 0, 1))).toBeGreaterThan(0.9);
});

test('a correction gets a flip pass without memory; a given mask gets none', async () => {
  const { segmenter, asked } = flippingModel();
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, { mask: runLengthsOf(trueMask(movingSquare, 0, 1)) }))
    .prompt(prompt(1, 2, { action: 'refine', ...click(28, 30) }))
    .frames(3)
    .end();
  const { results } = await readAll(session);
  expect(segmenter.encoded).toEqual([0, 2, 2]);
  expect(segmenter.flipped).toEqual([false, false, true]);
  expect(asked.map(({ request }) => request.memory.length)).toEqual([1, 0]);
  expect(asked[1]!.request.prior).not.toBeNull();
  expect(maskIou(maskOf(results[2], 1), trueMask(movingSquare, 2, 1))).toBeGreaterThan(0.9);
});

test('objects that are named by boxes share one flipped run', async () => {
  const scene = twoSquares;
  const { segmenter } = flippingModel();
  const { results } = await readAll(openTwoBoxes(open, segmenter, 1));
  expect(segmenter.flipped).toEqual([false, true]);
  for (const band of [1, 2] as const) {
    expect(maskIou(maskOf(results[0], band), trueMask(scene, 0, band))).toBeGreaterThan(0.9);
  }
});

test('in LATEST prompts of one stream get their flip pass, those that others wait behind do not', async () => {
  const budget = new KeyframeBudget(() => 0);
  const flips = async () => {
    const { segmenter } = flippingModel();
    const session = open({ segmenter, budget, options: { delivery: 'latest' } });
    session.inputs
      .prompt(prompt(1, 0, { box: squareBox }))
      .frames(1)
      .end();
    const { results } = await readAll(session);
    expect(maskIou(maskOf(results[0], 1), trueMask(movingSquare, 0, 1))).toBeGreaterThan(0.9);
    return segmenter.flipped;
  };
  expect(await flips()).toEqual([false, true]);
  const other = budget.beginPrompted();
  expect(await flips()).toEqual([false]);
  other[Symbol.dispose]();
  expect(await flips()).toEqual([false, true]);
});
