import { equal } from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { deferred } from '../../../clients/typescript/deferred.ts';
import { liveFrames } from '../../../src/frame/frame.ts';
import { loadModel } from '../../../src/inference/load-model.ts';
import type { DecodeRequest } from '../../../src/frame/ports.ts';
import type { LoadedModel } from '../../../src/inference/loaded-model.ts';
import { freezeWorker, killWorker } from '../../../src/inference/worker/queue.ts';
import { WorkerThread } from '../../../src/inference/worker/thread.ts';
import { plainFrame } from '../../fixtures/painted-frames.ts';
import { type ToyFolder, writeToyModel } from '../../fixtures/toy-model.ts';

type Killable = LoadedModel & { [killWorker](worker?: 'encoder' | 'refiner'): Promise<void> };

type Hangable = LoadedModel & { [freezeWorker](worker?: 'encoder' | 'refiner'): void };

// A worker that is being killed still gets the calls of the same tick and dies under them: so each
// test kills first and calls then, and nothing depends on who is faster.

const { signal } = new AbortController();
const nothing: DecodeRequest = {
  clicks: [],
  box: null,
  prior: new Float32Array(16),
  memory: [],
};
let folder: ToyFolder;
let model: Killable;
let restarts: string[];
let onRestart: (worker: string) => void;

beforeAll(async () => {
  folder = await writeToyModel();
});

beforeEach(async () => {
  restarts = [];
  onRestart = (worker) => restarts.push(worker);
  model = (await loadModel({
    ...folder,
    signal,
    onWorkerRestart: (worker) => onRestart(worker),
  })) as Killable;
});

afterEach(async () => {
  equal(model.liveFeatures(), 0);
  equal(liveFrames(), 0);
  await model.close();
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

test('a worker killed under a call is replaced and the call answered', async () => {
  using frame = plainFrame([126, 128, 128]);
  const death = model[killWorker]();
  const call = model.encode(frame, signal);
  await death;
  using features = await call;
  expect(restarts).toEqual(['encoder']);
  const [found] = await model.decode(features, [nothing], signal);
  expect(found!.logits[0]).toBeCloseTo(128.1, 0);
});

test('features of a dead worker are made again, memory included, with the same answer', async () => {
  using light = plainFrame([235, 128, 128]);
  using dark = plainFrame([16, 128, 128]);
  using features = await model.encode(light, signal);
  using earlier = await model.encode(dark, signal);
  const memory = [{ features: earlier, mask: new Float32Array(16).fill(0.5) }];
  const requests = [{ ...nothing, memory }, nothing];
  const before = await model.decode(features, requests, signal);
  await model[killWorker]();
  expect(await model.decode(features, requests, signal)).toEqual(before);
  expect(restarts).toEqual(['encoder']);
});

test('a worker that dies twice under one call fails it, and the next call works', async () => {
  using frame = plainFrame([16, 128, 128]);
  onRestart = (worker) => {
    restarts.push(worker);
    // The retry is sent right after this callback, to a worker that takes no more.
    if (restarts.length === 1) void model[killWorker]();
  };
  const death = model[killWorker]();
  const call = model.encode(frame, signal);
  await death;
  await expect(call).rejects.toMatchObject({ code: 'worker-died' });
  using features = await model.encode(frame, signal);
  expect(features.frameIndex).toBe(0);
});

test('a worker that dies while it starts again is given one more try', async () => {
  using frame = plainFrame([16, 128, 128]);
  await model[killWorker]();
  // Its successor is opening the graphs now.
  const call = model.encode(frame, signal);
  await model[killWorker]();
  using features = await call;
  expect(features.frameIndex).toBe(0);
  expect(restarts).toEqual(['encoder']);
});

test('calls that waited behind a killed one are answered in order', async () => {
  using frame = plainFrame([16, 128, 128]);
  const order: number[] = [];
  const death = model[killWorker]();
  const calls = [1, 2, 3].map(async (n) => {
    using features = await model.encode(frame, signal);
    order.push(n);
    return features.frameIndex;
  });
  await death;
  await Promise.all(calls);
  expect(order).toEqual([1, 2, 3]);
});

test('an idle worker that dies is replaced before anybody asks', async () => {
  const restarted = new Promise<string>((resolve) => (onRestart = resolve));
  await model[killWorker]();
  expect(await restarted).toBe('encoder');
});

test('the refiner lives in a worker of its own', async () => {
  const restarted = new Promise<string>((resolve) => (onRestart = resolve));
  const request = {
    crop: new Float32Array(48),
    prior: new Float32Array(16).fill(0.5),
    appearance: null,
  };
  const death = model[killWorker]('refiner');
  const call = model.refine([request], signal);
  await death;
  expect((await call)[0]!.logits[0]).toBe(0.5);
  expect(await restarted).toBe('refiner');
});

test('an aborted call under a killed worker is not run again', async () => {
  using frame = plainFrame([16, 128, 128]);
  const stop = new AbortController();
  const death = model[killWorker]();
  const call = model.encode(frame, stop.signal).catch((reason: unknown) => reason);
  stop.abort();
  await death;
  expect(await call).toMatchObject({ code: 'cancelled' });
  (await model.encode(frame, signal)).close();
});

test('close fails what is queued or under way and refuses what comes later', async () => {
  using frame = plainFrame([16, 128, 128]);
  const calls = Promise.allSettled([model.encode(frame, signal), model.encode(frame, signal)]);
  await model.close();
  for (const call of await calls) {
    expect(call).toMatchObject({ status: 'rejected', reason: { code: 'shutting-down' } });
  }
  await expect(model.encode(frame, signal)).rejects.toMatchObject({ code: 'shutting-down' });
  await model.close();
  expect(restarts).toEqual([]);
});

test('a worker that hangs is replaced, and its call answered by the next one', async () => {
  using frame = plainFrame([126, 128, 128]);
  await using hanging = (await loadModel({
    ...folder,
    signal,
    jobTimeoutMs: 200,
    onWorkerRestart: (worker) => onRestart(worker),
  })) as Hangable;
  hanging[freezeWorker]();
  using features = await hanging.encode(frame, signal);
  expect(restarts).toEqual(['encoder']);
  const [found] = await hanging.decode(features, [nothing], signal);
  expect(found!.logits[0]).toBeCloseTo(128.1, 0);
  // This one stood still in JavaScript, where a thread can be ended.
  await expect.poll(() => hanging.hungThreads()).toBe(0);
});

test('a worker that hangs twice under one call fails it, and the next call works', async () => {
  using frame = plainFrame([126, 128, 128]);
  await using hanging = (await loadModel({
    ...folder,
    signal,
    jobTimeoutMs: 1000,
    onWorkerRestart: (worker) => {
      restarts.push(worker);
      if (restarts.length === 1) hanging[freezeWorker]();
    },
  })) as Hangable;
  hanging[freezeWorker]();
  await expect(hanging.encode(frame, signal)).rejects.toMatchObject({ code: 'worker-died' });
  using features = await hanging.encode(frame, signal);
  expect(features.frameIndex).toBe(0);
});

test('a worker that hangs while it starts again is replaced too', async () => {
  using frame = plainFrame([16, 128, 128]);
  const told: string[] = [];
  await using hanging = (await loadModel({
    ...folder,
    signal,
    jobTimeoutMs: 1000,
    onWorkerDown: (worker) => told.push(worker),
    onWorkerRestart: (worker) => restarts.push(worker),
  })) as Killable & Hangable;
  await hanging[killWorker]();
  // Its successor is opening the graphs now, and does not come back from there.
  hanging[freezeWorker]();
  using features = await hanging.encode(frame, signal);
  expect(features.frameIndex).toBe(0);
  expect({ told, restarts }).toEqual({ told: ['encoder'], restarts: ['encoder'] });
  await expect.poll(() => hanging.hungThreads()).toBe(0);
});

test('close does not wait for a worker that hangs, and says that there is one', async () => {
  const hanging = await loadModel({ ...folder, signal, jobTimeoutMs: 1000 });
  const left: WorkerThread[] = [];
  // Native code that never comes back: the thread cannot be ended.
  const end = vi.spyOn(WorkerThread.prototype, 'end').mockImplementation(function (
    this: WorkerThread,
  ) {
    left.push(this);
    return new Promise<never>(() => {});
  });
  await hanging.close();
  end.mockRestore();
  expect(hanging.hungThreads()).toBe(left.length);
  expect(left.length).toBeGreaterThan(0);
  await Promise.all(left.map((thread) => thread.end()));
});

test('a worker that cannot be started again is told of, and tried until it can', async () => {
  await using broken = await writeToyModel();
  const told: string[] = [];
  const restarted = deferred<void>();
  await using lame = (await loadModel({
    ...broken,
    signal,
    onWorkerDown: (worker) => told.push(worker),
    onWorkerRestart: () => restarted.resolve(),
  })) as Killable;
  const graph = join(broken.directory, 'encoder.onnx');
  await rename(graph, `${graph}.gone`);
  await lame[killWorker]();
  await expect.poll(() => told).toEqual(['encoder']);
  await rename(`${graph}.gone`, graph);
  await restarted.promise;
  using frame = plainFrame([16, 128, 128]);
  using features = await lame.encode(frame, signal);
  expect(features.frameIndex).toBe(0);
});
