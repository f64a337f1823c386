import { equal } from 'node:assert/strict';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { liveFrames, type Frame } from '../../src/frame/frame.ts';
import type { Box } from '../../src/frame/geometry.ts';
import { goldenIou, goldenPicture } from '../../src/inference/golden-picture.ts';
import { loadModel } from '../../src/inference/load-model.ts';
import type { DecodeRequest, Refined, Segmented } from '../../src/frame/ports.ts';
import type { LoadedModel } from '../../src/inference/loaded-model.ts';
import { killWorker } from '../../src/inference/worker/queue.ts';
import type { Segmenter as PipelinePort } from '../../src/frame/ports.ts';
import { paintFrame } from '../fixtures/painted-frames.ts';

const directory = join(import.meta.dirname, '../../models/maskstream-tiny');
const { signal } = new AbortController();
const nothing: DecodeRequest = { clicks: [], box: null, prior: null, memory: [] };
let model: LoadedModel & { [killWorker](worker?: 'encoder' | 'refiner'): Promise<void> };

beforeAll(async () => {
  model = (await loadModel({ directory, signal })) as typeof model;
});

afterEach(() => {
  equal(model.liveFeatures(), 0);
  equal(liveFrames(), 0);
});

afterAll(async () => {
  await model.close();
});

/** Two textured discs on textured ground; `shift` moves them, as from frame to frame. */
const left = { x: 130, y: 120, radius: 58 };
const right = { x: 330, y: 130, radius: 66 };
const size = { width: 448, height: 252 };

/** Blotches of a few pixels, fixed to the surface that they are on. */
function texture(x: number, y: number, blotch: number): number {
  const cell = Math.imul(Math.floor(x / blotch), 7919) ^ Math.imul(Math.floor(y / blotch), 104_729);
  const mixed = Math.imul(cell ^ (cell >>> 7), 0x9e3779b1);
  return ((mixed >>> 24) / 255 - 0.5) * 40;
}

function isIn(disc: typeof left, x: number, y: number, shift: number): boolean {
  return (x - disc.x - shift) ** 2 + (y - disc.y) ** 2 <= disc.radius ** 2;
}

function twoDiscs(shift = 0): Frame {
  return paintFrame(size, (x, y) => {
    if (isIn(left, x, y, shift)) return [165 + texture(x - shift, y, 6), 95, 165];
    if (isIn(right, x, y, shift)) return [70 + texture(x - shift, y, 9), 165, 105];
    return [120 + texture(x, y, 14), 128, 124];
  });
}

function boxOf(disc: typeof left): Box {
  return {
    x: (disc.x - disc.radius) / size.width,
    y: (disc.y - disc.radius) / size.height,
    width: (2 * disc.radius) / size.width,
    height: (2 * disc.radius) / size.height,
  };
}

/** The disc at the model's mask size. */
function maskOf(disc: typeof left, shift = 0): Float32Array {
  const side = model.info.maskSide;
  return Float32Array.from({ length: side * side }, (_, i) => {
    const x = (((i % side) + 0.5) * size.width) / side;
    const y = ((Math.floor(i / side) + 0.5) * size.height) / side;
    return isIn(disc, x, y, shift) ? 1 : 0;
  });
}

function iouWith(logits: Float32Array, mask: Float32Array): number {
  let both = 0;
  let either = 0;
  logits.forEach((logit, i) => {
    if (logit > 0 && mask[i] === 1) both++;
    if (logit > 0 || mask[i] === 1) either++;
  });
  return either === 0 ? 0 : both / either;
}

/** Share of the mask that is found. */
function covered(logits: Float32Array, mask: Float32Array): number {
  const cells = [...mask.keys()].filter((i) => mask[i] === 1);
  return cells.filter((i) => logits[i]! > 0).length / cells.length;
}

function clickOn(disc: typeof left, label: 'positive' | 'negative' = 'positive') {
  return { x: disc.x / size.width, y: disc.y / size.height, label };
}

test('the model fits the port that the pipeline declares', () => {
  const port: PipelinePort = model;
  expect(port.info.maskSide).toBe(96);
  expect(port.info.selfTest.passed).toBe(true);
  expect(port.info.selfTest.iou).toBeGreaterThan(0.8);
});

test.each([11, 12, 13])('a box finds the ellipse of generated picture %i', async (seed) => {
  const { frame, truth, box } = goldenPicture(seed);
  using picture = frame;
  using features = await model.encode(picture, signal);
  const [found] = await model.decode(features, [{ ...nothing, box }], signal);
  const side = model.info.maskSide;
  expect(found!.logits).toHaveLength(side * side);
  const iou = goldenIou(found!.logits, side, truth);
  expect(iou).toBeGreaterThan(0.85);
  expect(found!.predictedIou).toBeGreaterThan(0.5);
  expect(found!.predictedIou).toBeLessThanOrEqual(1);
  expect(found!.presence).toBeGreaterThan(0.5);
});

test('quantised graphs find the masks that the float32 ones find', async () => {
  await using exact = await loadModel({ directory, precision: 'fp32', signal });
  for (const seed of [11, 12, 13]) {
    const { frame, box } = goldenPicture(seed);
    using picture = frame;
    const answers = [];
    for (const one of [exact, model]) {
      using features = await one.encode(picture, signal);
      answers.push((await one.decode(features, [{ ...nothing, box }], signal))[0]!);
    }
    const [wanted, found] = answers as [Segmented, Segmented];
    // Different graphs ran, or the comparison says nothing.
    expect(found.logits).not.toEqual(wanted.logits);
    const mask = wanted.logits.map((logit) => (logit > 0 ? 1 : 0));
    expect(iouWith(found.logits, mask)).toBeGreaterThan(0.95);
    expect(found.predictedIou).toBeCloseTo(wanted.predictedIou, 1);
  }
});

test('the quantised refiner draws the masks that the float32 one draws', async () => {
  await using exact = await loadModel({ directory, precision: 'fp32', signal });
  const side = model.info.refiner!.cropSide;
  const answers = [];
  for (const one of [exact, model]) {
    const key = { crop: cropOfDisc(side, 64), prior: discPrior(side, 64), appearance: null };
    const [{ appearance }] = (await one.refine([key], signal)) as [Refined];
    const moved = { crop: cropOfDisc(side, 70), prior: discPrior(side, 64), appearance };
    answers.push((await one.refine([moved], signal))[0]!);
  }
  const [wanted, found] = answers as [Refined, Refined];
  expect(found.logits).not.toEqual(wanted.logits);
  const mask = wanted.logits.map((logit) => (logit > 0 ? 1 : 0));
  expect(iouWith(found.logits, mask)).toBeGreaterThan(0.97);
  expect(found.predictedIou).toBeCloseTo(wanted.predictedIou, 1);
});

/** A window as the tracker cuts it, float32[3, side, side] in 0..255, of a disc around column `x`. */
function cropOfDisc(side: number, x: number): Float32Array {
  const inside = discPrior(side, x);
  return Float32Array.from({ length: 3 * inside.length }, (_, i) => {
    const at = i % inside.length;
    return (inside[at] === 1 ? 200 : 90) + texture(at % side, Math.floor(at / side), 6);
  });
}

function discPrior(side: number, x: number): Float32Array {
  const disc = { x, y: side / 2, radius: side / 3.2 };
  return Float32Array.from({ length: side * side }, (_, at) =>
    isIn(disc, at % side, Math.floor(at / side), 0) ? 1 : 0,
  );
}

const discs = [
  ['left', left, right],
  ['right', right, left],
] as const;

test.each(discs)('a box and a prior mask pick the %s disc alone', async (_name, disc, other) => {
  using frame = twoDiscs();
  using features = await model.encode(frame, signal);
  const requests = [
    { ...nothing, box: boxOf(disc) },
    { ...nothing, prior: maskOf(disc, 8) },
  ];
  for (const { logits } of await model.decode(features, requests, signal)) {
    expect(iouWith(logits, maskOf(disc))).toBeGreaterThan(0.75);
    expect(iouWith(logits, maskOf(other))).toBeLessThan(0.1);
  }
});

test.each(discs)(
  'a click on the %s disc takes it, one against the other spares that',
  async (_name, disc, other) => {
    using frame = twoDiscs();
    using features = await model.encode(frame, signal);
    const click = { ...nothing, clicks: [clickOn(disc)] };
    const against = { ...nothing, clicks: [clickOn(disc), clickOn(other, 'negative')] };
    const both = { ...nothing, clicks: [clickOn(disc), clickOn(other)] };
    const found = await model.decode(features, [click, against, both], signal);
    const [byClick, byAgainst, byBoth] = found.map(({ logits }) => logits);
    expect(covered(byClick!, maskOf(disc))).toBeGreaterThan(0.75);
    expect(covered(byBoth!, maskOf(other))).toBeGreaterThan(0.75);
    expect(covered(byAgainst!, maskOf(disc))).toBeGreaterThan(0.75);
    expect(covered(byAgainst!, maskOf(other))).toBeLessThan(covered(byBoth!, maskOf(other)) - 0.2);
  },
);

test('memory of an earlier frame finds the same disc where it is now', async () => {
  using before = twoDiscs(0);
  using now = twoDiscs(24);
  using earlier = await model.encode(before, signal);
  using features = await model.encode(now, signal);
  const remember = (disc: typeof left): DecodeRequest => ({
    ...nothing,
    memory: [{ features: earlier, mask: maskOf(disc) }],
  });
  const found = await model.decode(features, [remember(left), remember(right)], signal);
  expect(iouWith(found[0]!.logits, maskOf(left, 24))).toBeGreaterThan(0.75);
  expect(iouWith(found[1]!.logits, maskOf(right, 24))).toBeGreaterThan(0.75);
});

test('the same input gives the same bits, alone, among others, and after a worker died', async () => {
  using frame = twoDiscs();
  using shifted = twoDiscs(10);
  const request = [{ ...nothing, box: boxOf(left) }];
  const alone = async (of: Frame): Promise<unknown> => {
    using features = await model.encode(of, signal);
    return await model.decode(features, request, signal);
  };
  const first = await alone(frame);
  const other = await alone(shifted);
  expect(other).not.toEqual(first);
  const together = await Promise.all([frame, shifted, frame, shifted].map(alone));
  expect(together).toEqual([first, other, first, other]);
  const survivor = alone(frame);
  await model[killWorker]();
  expect(await survivor).toEqual(first);
});

test('the event loop runs on while the encoder works', async () => {
  using frame = twoDiscs();
  const ticks: number[] = [];
  const timer = setInterval(() => ticks.push(performance.now()), 2);
  const start = performance.now();
  (await model.encode(frame, signal)).close();
  const end = performance.now();
  clearInterval(timer);
  const marks = [start, ...ticks.filter((tick) => tick > start && tick < end), end];
  const longestGapMs = Math.max(...marks.slice(1).map((mark, i) => mark - marks[i]!));
  // A run on this thread would be one gap as long as the run.
  expect(longestGapMs).toBeLessThan((end - start) / 2);
});
