import { afterEach, beforeEach, expect, test } from 'vitest';
import { callOptions } from '../../../../bench/support/kserve/call-options.ts';
import { loadModel, type LoadedModel } from '../../../../src/inference/index.ts';
import { type FakeKserve, startFakeKserve } from '../../../fixtures/fake-kserve.ts';
import { plainFrame } from '../../../fixtures/painted-frames.ts';
import { writeToyModel } from '../../../fixtures/toy-model.ts';

const { signal } = new AbortController();
let server: FakeKserve;
let model: LoadedModel;

/** The toy model with its encoder on the fake server. */
async function load(fallsBack: boolean, onReach?: (reachable: boolean) => void): Promise<void> {
  await using folder = await writeToyModel();
  model = await loadModel({
    directory: folder.directory,
    kserve: {
      ...callOptions,
      addresses: [server.address],
      models: { encoder: { name: null, version: null } },
      waitMs: 300,
      fallsBack,
    },
    ...(onReach && { onReach }),
    signal,
  });
}

beforeEach(async () => {
  server = await startFakeKserve();
});

afterEach(async () => {
  await model.close();
  await server[Symbol.asyncDispose]();
});

test('while no server answers, the graph runs here for who may, and others wait', async () => {
  const reach: boolean[] = [];
  await load(true, (reachable) => reach.push(reachable));
  using frame = plainFrame([81, 90, 240]);
  const live = model.forUser({ owner: '', mayFallBack: true });
  const exact = model.forUser({ owner: '' });
  expect(model.keyframesAtATime()).toBe(callOptions.maxCalls);
  server.kill();
  (await live.encode(frame, signal)).close();
  expect(reach).toEqual([false]);
  expect([live.isReachable!(), exact.isReachable!()]).toEqual([true, false]);
  expect(model.keyframesAtATime()).toBe(1);
  await expect(exact.encode(frame, signal)).rejects.toMatchObject({
    code: 'inference-unavailable',
  });
});

test('a server that answers is asked, and one that errs is not tried again by who may not wait', async () => {
  await load(true);
  using frame = plainFrame([81, 90, 240]);
  const live = model.forUser({ owner: '', mayFallBack: true });
  const before = server.runs.length;
  (await live.encode(frame, signal)).close();
  server.answer = () => 'UNAVAILABLE';
  (await live.encode(frame, signal)).close();
  expect(server.runs).toHaveLength(before + 2);
});

test('a model that was not loaded for it has nothing to fall back on', async () => {
  await load(false);
  using frame = plainFrame([81, 90, 240]);
  server.kill();
  const live = model.forUser({ owner: '', mayFallBack: true });
  await expect(live.encode(frame, signal)).rejects.toMatchObject({
    code: 'inference-unavailable',
    message: expect.stringContaining('within 300 ms'),
  });
  expect(live.isReachable!()).toBe(false);
});
