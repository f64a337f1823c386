import { afterEach, beforeEach, expect, test } from 'vitest';
import { callOptions } from '../../../../bench/support/kserve/call-options.ts';
import { deferred } from '../../../../clients/typescript/deferred.ts';
import type {
  ServerCall,
  ServerState,
} from '../../../../src/inference/engine/kserve/server-call.ts';
import {
  ServerList,
  type ServerListEvents,
} from '../../../../src/inference/engine/kserve/server-list.ts';
import { floatTensor } from '../../../../src/inference/engine/onnxruntime.ts';
import { loadManifest } from '../../../../src/inference/manifest-loader.ts';
import { type FakeKserve, startFakeKserve } from '../../../fixtures/fake-kserve.ts';
import { writeToyModel } from '../../../fixtures/toy-model.ts';

const image = floatTensor(new Float32Array(48), [1, 3, 4, 4]);
let a: FakeKserve;
let b: FakeKserve;
let list: ServerList;

beforeEach(async () => {
  [a, b] = await Promise.all([startFakeKserve(), startFakeKserve()]);
});

afterEach(async () => {
  list.close();
  await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
});

async function open(servers: readonly FakeKserve[], events: ServerListEvents): Promise<void> {
  await using folder = await writeToyModel();
  const options = {
    ...callOptions,
    addresses: servers.map(({ address }) => address),
    models: { encoder: { name: null, version: null } },
    roles: ['encoder'] as const,
  };
  list = await ServerList.open(await loadManifest(folder.directory), options, events);
}

const run = (signal?: AbortSignal) => list.run('encoder', { image }, { signal });

test('every call is told when it is over, with what it took, and how its server stands', async () => {
  const calls: ServerCall[] = [];
  const states: ServerState[] = [];
  const onCall = (call: ServerCall) => calls.push(call);
  const onState = (state: ServerState) => states.push(state);
  a.answer = () => 'UNAVAILABLE';
  await open([a, b], { onCall, onState });
  const [idle, busy] = [0, 1].map((callsUnderWay) => ({ isOut: false, callsUnderWay }));
  expect(states).toEqual([
    { server: a.address, ...idle },
    { server: b.address, ...idle },
  ]);
  await run();
  expect(calls).toMatchObject([
    { server: a.address, graph: 'encoder', outcome: 'gone', receivedBytes: 0 },
    { server: b.address, graph: 'encoder', outcome: 'ok' },
  ]);
  // What was sent was sent, though no answer came.
  expect(calls[0]!.sentBytes).toBe(calls[1]!.sentBytes);
  expect(calls[0]!.sentBytes).toBeGreaterThan(192);
  expect(states.slice(2)).toEqual([
    { server: a.address, ...busy },
    { server: a.address, ...idle },
    { server: a.address, isOut: true, callsUnderWay: 0 },
    { server: b.address, ...busy },
    { server: b.address, ...idle },
  ]);
});

test('a call that is given up is told as such', async () => {
  const calls: ServerCall[] = [];
  const begun = deferred<void>();
  a.answer = () => {
    begun.resolve();
    return deferred<never>().promise;
  };
  await open([a], { onCall: (call) => calls.push(call) });
  const wanted = new AbortController();
  const flying = run(wanted.signal);
  await begun.promise;
  wanted.abort();
  await expect(flying).rejects.toMatchObject({ code: 'cancelled' });
  expect(calls).toMatchObject([{ outcome: 'cancelled' }]);
});
