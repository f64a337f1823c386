import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { createTrackerPool, type TrackerPool } from '../../../src/pipeline/tracker/pool.ts';
import {
  click,
  isMasks,
  prompt,
  readAll,
  readUntil,
  TestSessions,
} from '../../fixtures/session-harness.ts';

// The tracking thread runs the build; these tests are about the thread, not about masks.

const sessions = new TestSessions();
const pools: TrackerPool[] = [];

afterEach(async () => {
  sessions.expectNothingLeft();
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function newPool(maxThreads: number, onDeath: (cause: unknown) => void = () => {}): TrackerPool {
  const pool = createTrackerPool({ maxThreads, onDeath });
  pools.push(pool);
  return pool;
}

const options = {
  flowEngine: 'dis',
  flowLongSide: 64,
  maskSide: 16,
  cropSide: null,
  historyFrames: 4,
} as const;

/** The thread that is started next. */
async function nextWorker(): Promise<Worker> {
  return ((await once(process, 'worker')) as [Worker])[0];
}

test('a session runs on a tracking thread from the first frame to the last', async () => {
  const session = sessions.open({ trackers: newPool(1) });
  session.inputs
    .prompt(prompt(1, 0, click(26, 30)))
    .frames(8)
    .end();
  const { results, error } = await readAll(session);
  expect(error).toBeNull();
  expect(results.map(({ objects }) => objects[0]!.state)).toEqual(
    Array.from({ length: 8 }, () => 'visible'),
  );
});

test.runIf(process.platform === 'linux')('decoders run before tracking threads', async () => {
  const before = niceThreads();
  const tracker = await newPool(1).open(options);
  // An ffmpeg child inherits niceness from the main thread.
  expect(niceThreads()).toBe(before + 1);
  tracker.close();
});

/** Threads of this process that run behind its main thread. */
function niceThreads(): number {
  const main = nicenessOf(String(process.pid));
  return readdirSync('/proc/self/task').filter((id) => nicenessOf(id) > main).length;
}

function nicenessOf(threadId: string): number {
  const text = readFileSync(`/proc/self/task/${threadId}/stat`, 'latin1');
  // proc(5): niceness is field 19; the name in brackets, field 2, may hold spaces.
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[16]);
}

test('the streams of a killed thread go on in another one, others notice nothing', async () => {
  const deaths: unknown[] = [];
  const trackers = newPool(2, (cause) => deaths.push(cause));
  const doomed = sessions.open({ trackers });
  doomed.inputs.prompt(prompt(1, 0, click(26, 30))).frames(2);
  const started = nextWorker();
  await readUntil(doomed, isMasks(1));
  const worker = await started;
  const healthy = sessions.open({ trackers });
  healthy.inputs.prompt(prompt(1, 0, click(26, 30))).frames(2);
  await readUntil(healthy, isMasks(1));
  await worker.terminate();
  doomed.inputs.frames(2).end();
  healthy.inputs.frames(2).end();
  const [revived, sound] = await Promise.all([readAll(doomed), readAll(healthy)]);
  expect(deaths).toHaveLength(1);
  for (const { results, error } of [revived, sound]) {
    expect(error).toBeNull();
    expect(results.map(({ frameIndex }) => frameIndex)).toEqual([2, 3]);
    for (const { objects } of results) expect(objects).toMatchObject([{ state: 'visible' }]);
  }
  const noticesOf = ({ events }: typeof sound) =>
    events.flatMap((event) => (event.kind === 'notice' ? [event.notice] : []));
  expect([noticesOf(revived), noticesOf(sound)]).toEqual([['worker-restarted'], []]);
});

test('all streams of a killed thread go on, however many they are', async () => {
  const trackers = newPool(1);
  const started = nextWorker();
  const streams = Array.from({ length: 3 }, () => sessions.open({ trackers }));
  for (const stream of streams) {
    stream.inputs.prompt(prompt(1, 0, click(26, 30))).frames(2);
    await readUntil(stream, isMasks(1));
  }
  await (await started).terminate();
  for (const stream of streams) stream.inputs.frames(3).end();
  for (const { results, error } of await Promise.all(streams.map(readAll))) {
    expect(error).toBeNull();
    expect(results.map(({ frameIndex }) => frameIndex)).toEqual([2, 3, 4]);
  }
});

test('streams spread over the threads, at most as many as allowed', async () => {
  const started: Worker[] = [];
  const count = (worker: Worker): unknown => started.push(worker);
  process.on('worker', count);
  const trackers = newPool(2);
  const handles = [];
  for (let i = 0; i < 4; i++) handles.push(await trackers.open(options));
  expect(started).toHaveLength(2);
  for (const handle of handles) {
    handle.close();
    handle.close();
  }
  (await trackers.open(options)).close();
  expect(started).toHaveLength(2);
  process.off('worker', count);
});

test('an error inside a tracker stays with its call', async () => {
  const tracker = await newPool(1).open(options);
  await expect(
    tracker.call('output', { overlap: 'disjoint', maskSize: { width: 8, height: 8 } }),
  ).rejects.toMatchObject({ code: 'internal' });
  expect(await tracker.call('crops', [])).toEqual([]);
  tracker.close();
});

test('a closed pool ends calls in flight and opens no more', async () => {
  const trackers = newPool(1);
  const tracker = await trackers.open(options);
  const call = tracker.call('crops', []).catch((reason: unknown) => reason);
  await trackers.close();
  // The answer may have been on its way already.
  const outcome = await call;
  expect(Array.isArray(outcome) ? 'shutting-down' : outcome).toSatisfy(
    (said: unknown) =>
      said === 'shutting-down' || (said as { code: unknown }).code === 'shutting-down',
  );
  await expect(trackers.open(options)).rejects.toMatchObject({ code: 'shutting-down' });
  await expect(tracker.call('crops', [])).rejects.toMatchObject({
    code: 'shutting-down',
  });
});
