import { equal } from 'node:assert/strict';
import { afterEach, expect, test } from 'vitest';
import { liveFrames } from '../../src/frame/frame.ts';
import { loadModel } from '../../src/inference/load-model.ts';
import { parsePlacement } from '../../src/inference/placement.ts';
import type { LoadedModel } from '../../src/inference/loaded-model.ts';
import type { DecodeRequest } from '../../src/frame/ports.ts';
import { killWorker } from '../../src/inference/worker/queue.ts';
import { goldenPicture } from '../../src/inference/golden-picture.ts';
import { paintFrame, plainFrame } from '../fixtures/painted-frames.ts';
import { quietRuntime } from '../fixtures/quiet-runtime.ts';
import { writeSmallModel } from '../fixtures/small-models.ts';
import { writeToyModel } from '../fixtures/toy-model.ts';

await quietRuntime();

/* Encoder and decoder in workers of their own, several of each: answers are those of one worker. */

const { signal } = new AbortController();
const placement = parsePlacement('encoder=cpu*2,decoder=cpu*3,refiner=cpu*2');
const nothing: DecodeRequest = { clicks: [], box: null, prior: null, memory: [] };

type Killable = LoadedModel & {
  [killWorker](worker?: 'encoder' | 'decoder' | 'refiner'): Promise<void>;
};

afterEach(() => equal(liveFrames(), 0));

test('every frame’s features reach whichever worker decodes', async () => {
  await using folder = await writeToyModel();
  await using model = await loadModel({ ...folder, placement, signal });
  expect(model.info.provider).toBe('encoder cpu*2, decoder cpu*3, text cpu*3, refiner cpu*2');
  expect(model.memory.workers.map(({ worker, devices }) => `${worker} ${devices}`)).toEqual([
    'encoder cpu',
    'encoder cpu',
    'decoder cpu',
    'decoder cpu',
    'decoder cpu',
    'refiner cpu',
    'refiner cpu',
  ]);
  for (const { fileBytes, residentBytes } of model.memory.workers) {
    expect(fileBytes).toBeGreaterThan(100);
    expect(residentBytes).toBeNull();
  }
  const lumas = [16, 60, 100, 140, 180, 235];
  const prior = new Float32Array(16);
  const found = await Promise.all(
    lumas.map(async (luma) => {
      using frame = plainFrame([luma, 128, 128]);
      using features = await model.encode(frame, signal);
      const remembered = [{ features, mask: prior.slice().fill(0.5) }];
      const request = { ...nothing, prior, memory: remembered };
      const [answer] = await model.decode(features, [request], signal);
      return answer!.logits[0]!;
    }),
  );
  for (const [i, luma] of lumas.entries()) {
    expect(found[i]).toBeCloseTo(((luma - 16) * 255) / 219, 0);
  }
  expect(model.liveFeatures()).toBe(0);
});

test('a worker that dies takes no features with it', async () => {
  await using folder = await writeToyModel();
  const one = parsePlacement('encoder=cpu,decoder=cpu');
  const restarts: string[] = [];
  await using model = (await loadModel({
    ...folder,
    placement: one,
    onWorkerRestart: (worker) => restarts.push(worker),
    signal,
  })) as Killable;
  using frame = plainFrame([235, 128, 128]);
  using features = await model.encode(frame, signal);
  const ask = [{ ...nothing, prior: new Float32Array(16) }];
  const [before] = await model.decode(features, ask, signal);
  const deaths = [model[killWorker]('encoder'), model[killWorker]('decoder')];
  const [after] = await model.decode(features, ask, signal);
  expect(after!.logits).toEqual(before!.logits);
  using again = await model.encode(frame, signal);
  expect((await model.decode(again, ask, signal))[0]!.logits).toEqual(before!.logits);
  await Promise.all(deaths);
  expect(restarts.toSorted()).toEqual(['decoder', 'encoder']);
});

test('zoomed crops for a phrase are encoded where the encoder is', async () => {
  await using folder = await writeToyModel(({ text }) => {
    text.tiles = [{ x: 0.25, y: 0, width: 0.25, height: 1 }];
    text.vocabulary[0].tiled = true;
  });
  using frame = paintFrame({ width: 32, height: 32 }, (x) =>
    x >= 12 && x < 16 ? [81, 90, 240] : [16, 128, 128],
  );
  const query = { phrase: 'tomato', maxObjects: 4, minScore: 0, frame };
  const boxes: unknown[] = [];
  for (const placed of [{}, { placement }]) {
    await using model = await loadModel({ ...folder, ...placed, signal });
    using features = await model.encode(frame, signal);
    boxes.push(await model.findText(features, query, signal));
    expect(model.liveFeatures()).toBe(1);
  }
  expect(boxes[1]).toEqual(boxes[0]);
  expect(boxes[0]).toHaveLength(1);
});

test('a model with a memory of its own answers the same, whichever worker recalls', async () => {
  await using folder = await writeSmallModel('sam2');
  const answers: unknown[] = [];
  for (const text of [null, 'encoder=cpu,decoder=cpu*2,memory=cpu']) {
    const placed = text === null ? {} : { placement: parsePlacement(text) };
    await using model = await loadModel({ ...folder, ...placed, threads: 1, signal });
    const { frame, box } = goldenPicture(3);
    using picture = frame;
    using features = await model.encode(picture, signal);
    const [first] = await model.decode(features, [{ ...nothing, box, objectMemory: null }], signal);
    const known = { ...nothing, objectMemory: first!.objectMemory! };
    const later = await Promise.all([1, 2].map(() => model.decode(features, [known], signal)));
    answers.push(later.map(([answer]) => answer!.logits));
  }
  expect(answers[1]).toEqual(answers[0]);
});

test('a device that is not there ends the load with what there is', async () => {
  await using folder = await writeToyModel();
  const absent = parsePlacement('encoder=cpu,decoder=cuda:1');
  await expect(loadModel({ ...folder, placement: absent, signal })).rejects.toMatchObject({
    code: 'provider-unavailable',
    message: expect.stringMatching(/bundled: cpu.*got "cuda:1"/),
  });
});
