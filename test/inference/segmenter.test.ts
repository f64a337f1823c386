import { equal } from 'node:assert/strict';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { liveFrames } from '../../src/frame/frame.ts';
import { loadModel } from '../../src/inference/load-model.ts';
import type { DecodeRequest, Features } from '../../src/frame/ports.ts';
import type { LoadedModel } from '../../src/inference/loaded-model.ts';
import { paintFrame, plainFrame } from '../fixtures/painted-frames.ts';
import { type ToyFolder, writeToyModel } from '../fixtures/toy-model.ts';

// The toy's arithmetic is known, so each test reads in the answer what went into the graph.

const { signal } = new AbortController();
let folder: ToyFolder;
let model: LoadedModel;

beforeAll(async () => {
  folder = await writeToyModel();
  model = await loadModel({ ...folder, signal });
});

afterEach(() => {
  equal(model.liveFeatures(), 0);
  equal(liveFrames(), 0);
});

afterAll(async () => {
  await model.close();
  await folder[Symbol.asyncDispose]();
});

const nothing: DecodeRequest = { clicks: [], box: null, prior: null, memory: [] };

function flat(value: number): Float32Array {
  return new Float32Array(16).fill(value);
}

async function encodeGrey(luma: number): Promise<Features> {
  using frame = plainFrame([luma, 128, 128]);
  return await model.encode(frame, signal);
}

test('decode answers one result per request, in order, over several batches', async () => {
  using features = await encodeGrey(16);
  const requests = [1, 2, 3, 4, 5, 6, 7].map((value) => ({ ...nothing, prior: flat(value) }));
  const found = await model.decode(features, requests, signal);
  expect(found.map(({ logits }) => logits[5])).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(found.every(({ logits }) => logits.length === 16)).toBe(true);
  expect(await model.decode(features, [], signal)).toEqual([]);
});

test('the features of the frame reach the decoder', async () => {
  using dark = await encodeGrey(16);
  using light = await encodeGrey(235);
  const ask = [{ ...nothing, prior: flat(0) }];
  const [below] = await model.decode(dark, ask, signal);
  const [above] = await model.decode(light, ask, signal);
  expect(below!.logits[0]).toBeCloseTo(0, 3);
  expect(above!.logits[0]).toBeCloseTo(255, 1);
});

test('a box takes the first two points, clicks follow, the rest is padded', async () => {
  using features = await encodeGrey(16);
  const box = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };
  const click = { x: 0.5, y: 0.25, label: 'positive' } as const;
  // Calibration maps the raw -100..100 of the toy to 0..1.
  const raw = async (request: Partial<DecodeRequest>): Promise<number> => {
    const [found] = await model.decode(features, [{ ...nothing, ...request }], signal);
    return found!.predictedIou * 200 - 100;
  };
  expect(await raw({ box })).toBeCloseTo(2 + 3 - 3, 4);
  expect(await raw({ box, clicks: [click] })).toBeCloseTo(2 + 3 + 1 - 2, 4);
  expect(await raw({ box, clicks: [{ ...click, label: 'negative' }] })).toBeCloseTo(2 + 3 - 2, 4);
  expect(await raw({ clicks: [click, click, click] })).toBeCloseTo(3 - 2, 4);
  // A lone click takes the higher score: its coordinates.
  expect(await raw({ clicks: [click] })).toBeCloseTo(0.75, 4);
});

test('memory fills its slots in order and presence knows how many', async () => {
  using features = await encodeGrey(16);
  const memory = [
    { features, mask: flat(0.25) },
    { features, mask: flat(0.5) },
  ];
  const click = { x: 9, y: 9, label: 'positive' } as const;
  const presence = async (request: Partial<DecodeRequest>): Promise<number> =>
    (await model.decode(features, [{ ...nothing, ...request }], signal))[0]!.presence;
  expect(await presence({ memory: [] })).toBeCloseTo(0.5, 5);
  expect(await presence({ memory: memory.slice(0, 1) })).toBeCloseTo(1 / (1 + Math.exp(-1)), 5);
  expect(await presence({ memory })).toBeCloseTo(1 / (1 + Math.exp(-2)), 5);
  expect(await presence({ memory, prior: flat(1) })).toBeCloseTo(1 / (1 + Math.exp(-1)), 5);
  // Candidate 1 is mask 0 + 10 x mask 1; only a lone click may choose it, and it sees no memory.
  const [lone] = await model.decode(features, [{ ...nothing, clicks: [click] }], signal);
  expect(lone!.logits[0]).toBe(0);
});

test('calls that cannot be right are refused before they reach the graph', async () => {
  using features = await encodeGrey(16);
  const click = { x: 0, y: 0, label: 'positive' } as const;
  const refused = async (request: Partial<DecodeRequest>): Promise<unknown> =>
    await model.decode(features, [{ ...nothing, ...request }], signal).catch((reason) => reason);
  expect(await refused({ clicks: [click, click, click, click] })).toMatchObject({
    code: 'too-many-prompts',
    message: 'expected at most 3 clicks on one object, got 4',
  });
  const remembered = { features, mask: flat(0) };
  expect(await refused({ memory: [remembered, remembered, remembered] })).toMatchObject({
    message: expect.stringContaining('at most 2 memories'),
  });
  expect(await refused({ prior: new Float32Array(15) })).toMatchObject({
    message: expect.stringContaining('masks of 16 values, got 15'),
  });
});

test('closed features, and more closes than owners, are found out', async () => {
  const features = await encodeGrey(16);
  expect(features.retain()).toBe(features);
  features.close();
  await expect(model.decode(features, [nothing], signal)).resolves.toHaveLength(1);
  features.close();
  await expect(model.decode(features, [nothing], signal)).rejects.toThrow('features are closed');
  expect(() => features.close()).toThrow('closed more often');
  expect(() => features.retain()).toThrow('retained after');
});

test('refine answers all objects of a frame in one run', async () => {
  const requests = [1, 2, 3, 4].map((value) => ({
    crop: new Float32Array(48).fill(value * 10),
    prior: flat(value / 4),
    appearance: value === 3 ? null : new Float32Array(6).fill(value),
  }));
  const found = await model.refine(requests, signal);
  expect(found.map(({ logits }) => logits[7])).toEqual([10.25, 20.5, 30.75, 41]);
  // An appearance is learnt only where the request brought none.
  expect(found.map(({ appearance }) => appearance && [...appearance])).toEqual([
    null,
    null,
    [1, 1, 1, 1, 1, 1],
    null,
  ]);
  // Calibrated: 0.2 + 0.6 x mean prior.
  expect(found[1]!.predictedIou).toBeCloseTo(0.5, 5);
  expect(await model.refine([], signal)).toEqual([]);
  const short = { ...requests[0]!, crop: new Float32Array(47) };
  await expect(model.refine([short], signal)).rejects.toThrow('expected a crop of 4 x 4');
});

test('a phrase finds its parts of the picture; an unknown word is an error', async () => {
  using frame = paintFrame({ width: 16, height: 16 }, (x, y) =>
    x < 8 && y < 8 ? [81, 90, 240] : [16, 128, 128],
  );
  using features = await model.encode(frame, signal);
  const find = async (phrase: string): Promise<unknown> =>
    await model.findText(features, { phrase, maxObjects: 4, frame }, signal);
  expect(await find('red tomatoes')).toEqual([
    {
      noun: 'tomato',
      box: { x: 0, y: 0, width: 0.5, height: 0.5 },
      score: expect.closeTo(0.877, 2),
    },
  ]);
  expect(await find('blue love apple')).toEqual([]);
  expect(await find('leaves')).toEqual([]);
  await expect(find('banana')).rejects.toMatchObject({ code: 'unknown-word' });
});

test('a noun has thresholds of its own, and a tiled one is found where the whole picture is too coarse', async () => {
  await using other = await writeToyModel(({ text }) => {
    text.minProbability = 0.6;
    text.tiles = [{ x: 0.25, y: 0, width: 0.25, height: 1 }];
    const [tomato, leaf] = text.vocabulary;
    text.vocabulary = [
      tomato,
      { ...tomato, noun: 'cherry', alsoKnownAs: [], tiled: true },
      { ...tomato, noun: 'berry', alsoKnownAs: [], minProbability: 0.15, minAreaRatio: 0.3 },
      { ...tomato, noun: 'currant', alsoKnownAs: [], minProbability: 0.15 },
      leaf,
    ];
  });
  await using finer = await loadModel({ ...other, signal });
  // A stripe half a cell wide, at full height.
  using frame = paintFrame({ width: 32, height: 32 }, (x) =>
    x >= 12 && x < 16 ? [81, 90, 240] : [16, 128, 128],
  );
  using features = await finer.encode(frame, signal);
  const find = async (phrase: string): Promise<unknown[]> =>
    (await finer.findText(features, { phrase, maxObjects: 4, minScore: 0, frame }, signal)).map(
      ({ box }) => box,
    );
  expect(await find('tomato')).toEqual([]);
  expect(await find('cherry')).toEqual([{ x: 3 / 8, y: 0, width: 1 / 8, height: 1 }]);
  expect(await find('currant')).toEqual([{ x: 1 / 4, y: 0, width: 1 / 4, height: 1 }]);
  expect(await find('berry')).toEqual([]);
  equal(finer.liveFeatures(), 1);
});

test('an aborted call rejects at once and its turn passes to the next', async () => {
  using frame = plainFrame([16, 128, 128]);
  const stop = new AbortController();
  const first = model.encode(frame, signal);
  const queued = model.encode(frame, stop.signal);
  const running = model.encode(frame, stop.signal).catch((reason: unknown) => reason);
  stop.abort(new Error('gone'));
  await expect(queued).rejects.toMatchObject({ code: 'cancelled' });
  expect(await running).toMatchObject({ code: 'cancelled' });
  await expect(model.encode(frame, stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
  (await first).close();
  using after = await model.encode(frame, signal);
  expect(after.frameIndex).toBe(0);
});

test('features closed while an aborted call still runs are freed when it ends', async () => {
  const features = await encodeGrey(16);
  const stop = new AbortController();
  const call = model.decode(features, [nothing], stop.signal);
  stop.abort();
  features.close();
  await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  // The next answer comes after the aborted run has ended.
  using later = await encodeGrey(16);
  expect(await model.decode(later, [nothing], signal)).toHaveLength(1);
});
