import { runLengthsOf } from '../../src/frame/coco-rle.ts';
import { afterEach, expect, test } from 'vitest';
import { maskIou } from '../../src/frame/mask.ts';
import { wholePicture, type Box } from '../../src/frame/geometry.ts';
import type { DecodeRequest } from '../../src/frame/ports.ts';
import {
  createFakeSegmenter,
  fakeModel,
  maskSide,
  type FakeSegmenter,
} from '../fixtures/fake-segmenter.ts';
import {
  movingSquare,
  sceneSize,
  trueMask,
  twoSquares,
  type Scene,
} from '../fixtures/fake-video.ts';
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

/** A model that sees regions of twice the objects' size; what it was asked is kept by frame. */
function zoomingModel(passes: { decodePromptTwice?: boolean; averageFlipPass?: boolean } = {}): {
  readonly segmenter: FakeSegmenter;
  readonly asked: { readonly frameIndex: number; readonly request: DecodeRequest }[];
} {
  const tracking = { ...fakeModel.tracking, regionScale: 2, ...passes };
  const segmenter = createFakeSegmenter({ tracking });
  const asked: { frameIndex: number; request: DecodeRequest }[] = [];
  segmenter.hooks.decode = (frameIndex, requests) => {
    for (const request of requests) asked.push({ frameIndex, request });
  };
  return { segmenter, asked };
}

/** The square of {@link movingSquare} that starts at (x, y), made larger, in fractions of the picture. */
function aroundSquare(x: number, y: number, scale = 2): Box {
  const { width, height } = sceneSize;
  const margin = 10 * (scale - 1);
  return {
    x: (x - margin) / width,
    y: (y - margin) / height,
    width: (20 * scale) / width,
    height: (20 * scale) / height,
  };
}

/** Pixels by which the sides of a region may be off: what a propagated outline may be. */
const tolerancePixels = 3;

function expectRegion(actual: Box | undefined, expected: Box): void {
  const { width, height } = sceneSize;
  const off = [
    ((actual?.x ?? 9) - expected.x) * width,
    ((actual?.y ?? 9) - expected.y) * height,
    ((actual?.width ?? 9) - expected.width) * width,
    ((actual?.height ?? 9) - expected.height) * height,
  ];
  expect(Math.max(...off.map(Math.abs)), `region ${JSON.stringify(actual)}`).toBeLessThanOrEqual(
    tolerancePixels,
  );
}

/** Centre of a mask's weight, in fractions of its region. */
function centreOf(mask: Float32Array): { x: number; y: number } {
  let [x, y, weight] = [0, 0, 0];
  mask.forEach((value, at) => {
    x += value * ((at % maskSide) + 0.5);
    y += value * (Math.floor(at / maskSide) + 0.5);
    weight += value;
  });
  return { x: x / weight / maskSide, y: y / weight / maskSide };
}

test('a box prompt is segmented in a zoomed crop, and so is every keyframe after it', async () => {
  const { segmenter, asked } = zoomingModel();
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, { box: { x: 16, y: 20, width: 20, height: 20 } }))
    .frames(12)
    .end();
  const { results } = await readAll(session);
  expect(segmenter.encoded).toEqual([0, 5, 10]);
  segmenter.encoded.forEach((frameIndex, i) =>
    expectRegion(segmenter.regions[i], aroundSquare(16 + frameIndex, 20)),
  );
  // The box is the middle half of its region; so is the mask that was carried to the next keyframe.
  const { box } = asked[0]!.request;
  expect([box!.x, box!.y, box!.width, box!.height].map((side) => side.toFixed(6))).toEqual(
    [0.25, 0.25, 0.5, 0.5].map((side) => side.toFixed(6)),
  );
  const carried = asked.find(({ frameIndex }) => frameIndex === 5)!.request;
  expect(carried.box).toBeNull();
  const centre = centreOf(carried.prior!);
  expect(centre.x).toBeCloseTo(0.5, 1);
  expect(centre.y).toBeCloseTo(0.5, 1);
  for (const result of results) {
    const iou = maskIou(maskOf(result, 1), trueMask(movingSquare, result.frameIndex, 1));
    expect(iou, `frame ${result.frameIndex}`).toBeGreaterThan(0.8);
  }
});

test('a click is decoded twice: in the whole picture, then in a zoomed crop with the first mask', async () => {
  const { segmenter, asked } = zoomingModel({ decodePromptTwice: true });
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, click(20, 24)))
    .frames(1)
    .end();
  const { results, summary } = await readAll(session);
  expect(segmenter.encoded).toEqual([0, 0, 0]);
  expect(summary).toMatchObject({ keyframes: 1, encoderRuns: 3 });
  const [first, second, remembered] = segmenter.regions;
  expect(first).toEqual(wholePicture);
  expectRegion(second, aroundSquare(16, 20, 1.5));
  expectRegion(remembered, aroundSquare(16, 20));
  expect(asked).toHaveLength(2);
  const [wide, close] = asked.map(({ request }) => request);
  // A click means the middle of its pixel.
  expect(wide!.prior).toBeNull();
  expect(wide!.clicks[0]!.x).toBeCloseTo(20.5 / 96, 6);
  expect(wide!.clicks[0]!.y).toBeCloseTo(24.5 / 64, 6);
  expect(close!.clicks[0]!.x).toBeCloseTo((20.5 / 96 - second!.x) / second!.width, 6);
  expect(close!.clicks[0]!.y).toBeCloseTo((24.5 / 64 - second!.y) / second!.height, 6);
  const centre = centreOf(close!.prior!);
  expect(centre.x).toBeCloseTo(0.5, 1);
  expect(centre.y).toBeCloseTo(0.5, 1);
  expect(maskIou(maskOf(results[0], 1), trueMask(movingSquare, 0, 1))).toBeGreaterThan(0.9);
});

test('what clicks named is remembered in the region of interest, not in its zoomed crop', async () => {
  const { segmenter, asked } = zoomingModel({ decodePromptTwice: true });
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, click(20, 24)))
    .frames(6)
    .end();
  await readAll(session);
  const [memory] = asked.find(({ frameIndex }) => frameIndex === 5)!.request.memory;
  expect(memory!.features.frameIndex).toBe(0);
  expectRegion(memory!.features.region, aroundSquare(16, 20));
  // The square is the middle half of that region.
  const inside = memory!.mask.filter((probability) => probability >= 0.5).length;
  expect(inside / maskSide ** 2).toBeCloseTo(0.25, 1);
  const centre = centreOf(memory!.mask);
  expect([centre.x, centre.y].map((at) => Math.abs(at - 0.5) < 0.05)).toEqual([true, true]);
});

test('of several clicks the first says which object is meant, then all are decoded in a zoomed crop', async () => {
  const { segmenter, asked } = zoomingModel({ decodePromptTwice: true });
  const session = open({ segmenter });
  const clicks = [
    { x: 60, y: 30, label: 'positive' },
    { x: 20, y: 24, label: 'positive' },
    { x: 90, y: 60, label: 'negative' },
  ] as const;
  session.inputs
    .prompt(prompt(1, 0, { points: [...clicks.slice(1, 2), ...clicks.slice(0, 1), clicks[2]] }))
    .frames(1)
    .end();
  await readAll(session);
  const [wide, close] = asked.map(({ request }) => request);
  expect(wide!.clicks).toHaveLength(1);
  expect(wide!.clicks[0]!.x).toBeCloseTo(20.5 / 96, 6);
  // Both positive clicks are in view, the negative one is beyond the region.
  expect(close!.clicks.map(({ label }) => label)).toEqual(['positive', 'positive']);
  expect(close!.prior).not.toBeNull();
});

test('clicks whose first one finds nothing are all decoded', async () => {
  const { segmenter, asked } = zoomingModel({ decodePromptTwice: true });
  const session = open({ segmenter });
  const points = [
    { x: 90, y: 4, label: 'positive' },
    { x: 20, y: 24, label: 'positive' },
  ] as const;
  session.inputs
    .prompt(prompt(1, 0, { points: [...points] }))
    .frames(1)
    .end();
  await readAll(session);
  expect(segmenter.regions).toEqual([wholePicture]);
  expect(asked.map(({ request }) => request.clicks.length)).toEqual([1, 2]);
  expect(asked[1]!.request.prior).toBeNull();
});

test('a given mask is remembered with the region around it', async () => {
  const { segmenter, asked } = zoomingModel();
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, { mask: runLengthsOf(trueMask(movingSquare, 0, 1)) }))
    .frames(6)
    .end();
  await readAll(session);
  expect(segmenter.encoded).toEqual([0, 5]);
  expectRegion(segmenter.regions[0], aroundSquare(16, 20));
  const [memory] = asked[0]!.request.memory;
  expect(memory!.features.region).toEqual(segmenter.regions[0]);
  const centre = centreOf(memory!.mask);
  expect(centre.x).toBeCloseTo(0.5, 1);
  expect(centre.y).toBeCloseTo(0.5, 1);
});

test('objects share one region, and the second one is not lost by it', async () => {
  const scene = twoSquares;
  const { segmenter } = zoomingModel();
  const { results } = await readAll(openTwoBoxes(open, segmenter, 6));
  expect(segmenter.encoded).toEqual([0, 5]);
  const region = { x: 2 / 96, y: 14 / 64, width: 64 / 96, height: 34 / 64 };
  for (const encoded of segmenter.regions) expectRegion(encoded, region);
  for (const band of [1, 2] as const) {
    expect(maskIou(maskOf(results[5], band), trueMask(scene, 5, band))).toBeGreaterThan(0.8);
  }
});

test('a hidden object is re-detected in the whole picture, where it came back', async () => {
  const scene: Scene = {
    ...movingSquare,
    squares: (frameIndex) => {
      if (frameIndex < 3) return [{ band: 1, x: 10, y: 10, side: 20 }];
      return frameIndex < 9 ? [] : [{ band: 1, x: 70, y: 38, side: 20 }];
    },
  };
  const { segmenter } = zoomingModel();
  const session = open({ scene, segmenter });
  session.inputs
    .prompt(prompt(1, 0, { box: { x: 10, y: 10, width: 20, height: 20 } }))
    .frames(12)
    .end();
  const { results } = await readAll(session);
  expect(results[5]!.objects[0]!.state).toBe('occluded');
  expect(segmenter.encoded.at(-1)).toBe(10);
  expect(segmenter.regions.at(-1)).toEqual(wholePicture);
  expect(results[10]!.objects[0]!.state).toBe('visible');
  expect(maskIou(maskOf(results[10], 1), trueMask(scene, 10, 1))).toBeGreaterThan(0.8);
});

test('a correcting click far from the object widens the region', async () => {
  const { segmenter, asked } = zoomingModel();
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, { box: { x: 16, y: 20, width: 20, height: 20 } }))
    .prompt(prompt(1, 2, { action: 'refine', points: [{ x: 90, y: 60, label: 'negative' }] }))
    .frames(3)
    .end();
  await readAll(session);
  expect(segmenter.encoded).toEqual([0, 2]);
  const [point] = asked.at(-1)!.request.clicks;
  expect(point!.x).toBeGreaterThan(0);
  expect(point!.x).toBeLessThan(1);
  expect(point!.y).toBeGreaterThan(0);
  expect(point!.y).toBeLessThan(1);
});

test('a correction that is not followed is asked again without memory, one that is is not', async () => {
  const { segmenter, asked } = zoomingModel();
  const session = open({ segmenter });
  session.inputs
    .prompt(prompt(1, 0, { box: { x: 16, y: 20, width: 20, height: 20 } }))
    .prompt(prompt(1, 2, { action: 'refine', ...click(28, 30) }))
    // The square's own band answers, whatever a negative click says.
    .prompt(prompt(1, 4, { action: 'refine', points: [{ x: 28, y: 30, label: 'negative' }] }))
    .frames(6)
    .end();
  await readAll(session);
  const memories = asked
    .filter(({ request }) => request.clicks.length > 0)
    .map(({ frameIndex, request }) => [frameIndex, request.memory.length]);
  expect(memories).toEqual([
    [2, 1],
    [4, 2],
    [4, 0],
  ]);
});

test('a new object named by a click does not widen the region of the others', async () => {
  const scene: Scene = {
    ...movingSquare,
    squares: () => [
      { band: 1, x: 10, y: 10, side: 16 },
      { band: 2, x: 76, y: 44, side: 16 },
    ],
  };
  const { segmenter } = zoomingModel();
  const session = open({ scene, segmenter });
  session.inputs
    .prompt(prompt(1, 0, { box: { x: 10, y: 10, width: 16, height: 16 } }))
    .prompt(prompt(2, 2, click(84, 52)))
    .frames(3)
    .end();
  const { results } = await readAll(session);
  expect(segmenter.encoded).toEqual([0, 2, 2]);
  const encoded = segmenter.regions.slice(1).toSorted((a, b) => a.width - b.width);
  expectRegion(encoded[0], { x: 2 / 96, y: 2 / 64, width: 32 / 96, height: 32 / 64 });
  expect(encoded[1]).toEqual(wholePicture);
  expect(maskIou(maskOf(results[2], 2), trueMask(scene, 2, 2))).toBeGreaterThan(0.8);
});
