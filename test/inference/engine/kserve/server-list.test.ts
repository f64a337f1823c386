import { afterEach, beforeEach, expect, test } from 'vitest';
import { callOptions } from '../../../../bench/support/kserve/call-options.ts';
import { deferred } from '../../../../clients/typescript/deferred.ts';
import type { KserveSetup } from '../../../../src/inference/engine/kserve/kserve-options.ts';
import {
  ServerList,
  type ServerListEvents,
} from '../../../../src/inference/engine/kserve/server-list.ts';
import { floatTensor } from '../../../../src/inference/engine/onnxruntime.ts';
import { loadManifest } from '../../../../src/inference/manifest-loader.ts';
import type { Manifest } from '../../../../src/inference/manifest.ts';
import {
  echoAnswer,
  type FakeKserve,
  startFakeKserve,
  toyEncoderMetadata,
} from '../../../fixtures/fake-kserve.ts';
import { writeToyModel } from '../../../fixtures/toy-model.ts';

const image = floatTensor(
  Float32Array.from({ length: 48 }, (_, i) => i),
  [1, 3, 4, 4],
);
let manifest: Manifest;
let a: FakeKserve;
let b: FakeKserve;
let list: ServerList | null;

beforeEach(async () => {
  await using folder = await writeToyModel();
  manifest = await loadManifest(folder.directory);
  [a, b] = await Promise.all([startFakeKserve(), startFakeKserve()]);
  list = null;
});

afterEach(async () => {
  list?.close();
  await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
});

async function open(
  servers: readonly FakeKserve[] = [a, b],
  changes: Partial<KserveSetup> = {},
  events: ServerListEvents = {},
): Promise<ServerList> {
  const options: KserveSetup = {
    ...callOptions,
    addresses: servers.map(({ address }) => address),
    deadlineMs: 5000,
    waitMs: 5000,
    models: { encoder: { name: null, version: null } },
    roles: ['encoder'],
    ...changes,
  };
  list = await ServerList.open(manifest, options, events);
  return list;
}

const run = async (signal?: AbortSignal) => await list!.run('encoder', { image }, { signal });
/** A run of somebody who can help himself. */
const runAtOnce = async () => await list!.run('encoder', { image }, { waits: false });

test('a run brings back every output, and tells what it took', async () => {
  const told: number[][] = [];
  await open(
    [a],
    { token: 'secret' },
    {
      onCall: ({ sentBytes, receivedBytes }) => told.push([sentBytes, receivedBytes]),
    },
  );
  const outputs = await run();
  expect(Object.keys(outputs)).toEqual(['embedding', 'features8', 'features4']);
  expect([...(outputs['features4']!.data as Float32Array)]).toEqual([
    ...(image.data as Float32Array),
  ]);
  expect(a.runs[0]).toMatchObject({ modelName: 'toy-encoder', modelVersion: '' });
  expect(a.tokens).toEqual(['Bearer secret']);
  // 48 values of 4 bytes up, three times as many down, and a little around them.
  expect(told[0]![0]).toBeGreaterThan(192);
  expect(told[0]![0]).toBeLessThan(400);
  expect(told[0]![1]).toBeGreaterThan(576);
});

test('pixels travel as bytes to a server that takes them', async () => {
  a.metadata = toyEncoderMetadata('UINT8');
  await open([a]);
  await run();
  expect(a.runs[0]!.rawInputContents[0]).toHaveLength(48);
});

test('a name and a version of the settings are asked for', async () => {
  await open([a], { models: { encoder: { name: 'mine', version: '3' } } });
  await run();
  expect(a.runs[0]).toMatchObject({ modelName: 'mine', modelVersion: '3' });
});

test('one of several servers is enough at the start', async () => {
  b.kill();
  await open();
  await run();
  expect(a.runs).toHaveLength(1);
});

test('without a server that is ready it does not start', async () => {
  a.isReady = false;
  await expect(open([a])).rejects.toMatchObject({
    code: 'model-load-failed',
    message: `expected a server that is ready, got ${a.address}: not ready`,
  });
});

test('a server with another model is an error, whatever the others have', async () => {
  b.metadata = toyEncoderMetadata('INT64');
  await expect(open()).rejects.toMatchObject({
    code: 'model-load-failed',
    message: `toy-encoder at ${b.address}: input image: expected FP32 or FP16 or UINT8, got INT64`,
  });
});

test.each(['UNAVAILABLE', 'NOT_FOUND', 'INTERNAL', 'UNKNOWN', 'CANCELLED'] as const)(
  'a run that ends with %s is made again on another server',
  async (status) => {
    a.answer = () => status;
    await open();
    await Promise.all([run(), run()]);
    expect(b.runs).toHaveLength(2);
  },
);

test('a run that is refused is not made again', async () => {
  a.answer = () => 'INVALID_ARGUMENT';
  b.answer = a.answer;
  await open();
  await expect(run()).rejects.toMatchObject({
    code: 'model-failed',
    message: expect.stringContaining('INVALID_ARGUMENT (as the test wants it)'),
  });
  expect(a.runs.length + b.runs.length).toBe(1);
});

test('answers that are wrong three times are an error that says what is wrong', async () => {
  a.answer = (request) => {
    const right = echoAnswer(request);
    const [first, ...rest] = right.outputs;
    return { ...right, outputs: [{ ...first!, shape: [1, 3, 4, 5] }, ...rest] };
  };
  await open([a]);
  await expect(run()).rejects.toMatchObject({
    code: 'model-failed',
    message: `toy-encoder at ${a.address}: output emb: expected FP32 [1,3,4,4], got FP32 [1,3,4,5]`,
  });
  expect(a.runs).toHaveLength(3);
});

test('a value that is no number is a wrong answer, and another server is asked', async () => {
  a.answer = (request) => {
    const right = echoAnswer(request);
    const spoilt = Float32Array.from({ length: 48 }).fill(Number.NaN);
    return {
      ...right,
      rawOutputContents: right.rawOutputContents.map(() => Buffer.from(spoilt.buffer)),
    };
  };
  await open();
  const outputs = await Promise.all([run(), run()]);
  for (const { embedding } of outputs) expect(embedding!.data).toEqual(image.data);
  expect(b.runs).toHaveLength(2);
});

test('an answer that takes too long is given up, and another server asked', async () => {
  const late = deferred<ReturnType<typeof echoAnswer>>();
  a.answer = () => late.promise;
  await open([a, b], { deadlineMs: 100 });
  await Promise.all([run(), run()]);
  expect(b.runs).toHaveLength(2);
  late.resolve(echoAnswer(a.runs[0]!));
});

test('runs wait while no server answers, and go on when one does again', async () => {
  const reach: boolean[] = [];
  const lost = deferred<void>();
  await open(
    [a],
    {},
    {
      onReach: (reachable) => {
        reach.push(reachable);
        if (!reachable) lost.resolve();
      },
    },
  );
  a.kill();
  const waiting = [run(), run()];
  await lost.promise;
  await using again = await startFakeKserve(a.port);
  for (const { embedding } of await Promise.all(waiting))
    expect(embedding!.data).toEqual(image.data);
  expect(reach).toEqual([false, true]);
  expect(again.runs).toHaveLength(2);
});

test('a run that no server answers in time ends and says why', async () => {
  await open([a], { waitMs: 300 });
  a.kill();
  await expect(run()).rejects.toMatchObject({
    code: 'inference-unavailable',
    message: expect.stringMatching(
      `^expected an answer of an inference server within 300 ms, got ${a.address}: UNAVAILABLE`,
    ),
  });
});

test('a run that nobody wants any more ends at once, waiting or in flight', async () => {
  const never = deferred<never>();
  const begun = deferred<void>();
  a.answer = () => {
    begun.resolve();
    return never.promise;
  };
  await open([a]);
  const inFlight = new AbortController();
  const flying = run(inFlight.signal);
  await begun.promise;
  inFlight.abort();
  await expect(flying).rejects.toMatchObject({ code: 'cancelled' });
  a.kill();
  const waits = new AbortController();
  const waiting = run(waits.signal);
  waits.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});

test('a server that comes back with another model gets no runs', async () => {
  const lost = deferred<void>();
  await open([a], { waitMs: 1500 }, { onReach: () => lost.resolve() });
  a.kill();
  const waiting = run();
  await lost.promise;
  await using other = await startFakeKserve(a.port, toyEncoderMetadata('INT64'));
  await expect(waiting).rejects.toMatchObject({
    code: 'inference-unavailable',
    message: expect.stringContaining('expected FP32 or FP16 or UINT8, got INT64'),
  });
  expect(other.runs).toEqual([]);
});

test('an error without a reason of a server that ends is waited out like its end', async () => {
  const lost = deferred<void>();
  await open([a], {}, { onReach: (reachable) => reachable || lost.resolve() });
  a.answer = () => {
    a.isReady = false;
    return 'INTERNAL';
  };
  const waiting = run();
  await lost.promise;
  a.answer = echoAnswer;
  a.isReady = true;
  await waiting;
  expect(a.runs).toHaveLength(2);
});

test('a run that does not wait tries every server once, and ends', async () => {
  a.answer = () => 'UNAVAILABLE';
  await open();
  const outputs = await Promise.all([runAtOnce(), runAtOnce()]);
  for (const { embedding } of outputs) expect(embedding!.data).toEqual(image.data);
  b.answer = () => 'INTERNAL';
  const tried = b.runs.length;
  await expect(runAtOnce()).rejects.toMatchObject({
    code: 'inference-unavailable',
    message: expect.stringContaining('expected an answer of an inference server at once, got'),
  });
  expect(b.runs).toHaveLength(tried + 1);
});

test('messages over the bound fail either way, and say so', async () => {
  const bound = 1 << 20;
  await open([a], { maxMessageBytes: bound });
  const large = floatTensor(new Float32Array(bound / 4), [1, 1, 512, 512]);
  await expect(list!.run('encoder', { image: large })).rejects.toMatchObject({
    code: 'model-failed',
    message: expect.stringContaining('RESOURCE_EXHAUSTED'),
  });
  a.answer = (request) => {
    const right = echoAnswer(request);
    return { ...right, rawOutputContents: right.rawOutputContents.map(() => Buffer.alloc(bound)) };
  };
  await expect(run()).rejects.toMatchObject({
    code: 'model-failed',
    message: expect.stringContaining('RESOURCE_EXHAUSTED'),
  });
});
