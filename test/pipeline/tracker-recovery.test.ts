import { afterEach, expect, test } from 'vitest';
import { SegmentationError } from '../../src/frame/errors.ts';
import { maskIou } from '../../src/frame/mask.ts';
import type { TrackerMethod } from '../../src/pipeline/tracker/messages.ts';
import type { TrackerHandle, TrackerPool } from '../../src/pipeline/tracker/pool.ts';
import { trueMask, twoSquares } from '../fixtures/fake-video.ts';
import {
  isMasks,
  localTrackers,
  maskOf,
  prompt,
  readAll,
  readUntil,
  TestSessions,
} from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const open = sessions.open;

afterEach(() => sessions.expectNothingLeft());

/** A call that ends the thread under it: the n-th of a method, counted over all threads. */
type Death = { readonly method: TrackerMethod; readonly call: number };

/** Trackers in this thread that are lost as those of a thread that dies. */
function mortalTrackers(
  deaths: readonly Death[],
): TrackerPool & { readonly reopened: () => number } {
  const inner = localTrackers();
  const calls = new Map<string, number>();
  let reopened = 0;
  return {
    reopened: () => reopened,
    open: async (options) => {
      let tracker = await inner.open(options);
      let loss: TrackerHandle['loss'] = 'none';
      const call: TrackerHandle['call'] = async (method, ...parameters) => {
        const count = (calls.get(method) ?? 0) + 1;
        calls.set(method, count);
        if (deaths.some((death) => death.method === method && death.call === count)) loss = 'own';
        if (loss !== 'none') throw new SegmentationError('worker-died', 'the thread ended');
        return await tracker.call(method, ...parameters);
      };
      return {
        call,
        get loss() {
          return loss;
        },
        reopen: async () => {
          reopened++;
          tracker.close();
          tracker = await inner.open(options);
          loss = 'none';
        },
        close: () => tracker.close(),
      };
    },
    close: () => inner.close(),
  };
}

/** Two objects by their boxes on the first frame. */
function openTwo(deaths: readonly Death[], frames: number) {
  const trackers = mortalTrackers(deaths);
  const session = open({ scene: twoSquares, trackers });
  twoSquares.boxes.forEach((box, i) => session.inputs.prompt(prompt(i + 1, 0, { box })));
  session.inputs.frames(frames);
  return { session, trackers };
}

test('a stream whose thread dies goes on from its last masks: no frame lost, ids kept, a notice', async () => {
  // The fifth frame's first call.
  const { session, trackers } = openTwo([{ method: 'advance', call: 5 }], 10);
  session.inputs.end();
  const { events, results, error, summary } = await readAll(session);
  expect(error).toBeNull();
  expect(trackers.reopened()).toBe(1);
  expect(results.map(({ frameIndex }) => frameIndex)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const result of results) {
    expect(result.objects.map(({ objectId, state }) => [objectId, state])).toEqual([
      [1, 'visible'],
      [2, 'visible'],
    ]);
    for (const objectId of [1, 2] as const) {
      const truth = trueMask(twoSquares, result.frameIndex, objectId);
      expect(maskIou(maskOf(result, objectId), truth)).toBeGreaterThan(0.75);
    }
  }
  expect(results[4]).toMatchObject({ source: 'keyframe', keyframeReason: 'resume' });
  const notices = events.flatMap((event) => (event.kind === 'notice' ? [event] : []));
  expect(notices).toMatchObject([{ notice: 'worker-restarted', resume: null }]);
  expect(summary).toMatchObject({ framesIn: 10, framesOut: 10, framesDropped: 0 });
});

test.each<TrackerMethod>(['apply', 'plan', 'deliver'])(
  'it may die under any call of a frame, %s for one: prompts are answered once',
  async (method) => {
    const { session } = openTwo([{ method, call: 1 }], 4);
    session.inputs.end();
    const { events, results, error } = await readAll(session);
    expect(error).toBeNull();
    expect(results.map(({ frameIndex }) => frameIndex)).toEqual([0, 1, 2, 3]);
    expect(results[0]?.objects).toHaveLength(2);
    expect(events.filter(({ kind }) => kind === 'ack')).toHaveLength(2);
  },
);

test('threads that die under a frame and while its masks are put back end the stream', async () => {
  const deaths = [
    { method: 'advance', call: 5 },
    { method: 'apply', call: 3 },
  ] as const;
  const { session, trackers } = openTwo(deaths, 8);
  session.inputs.end();
  const { error } = await readAll(session);
  // Both deaths are this stream's own on one frame: it is what ends them.
  expect(trackers.reopened()).toBe(1);
  expect(error).toMatchObject({ code: 'worker-died' });
});

test('a frame under which threads die twice ends its stream, with what was answered', async () => {
  const deaths = [
    { method: 'advance', call: 4 },
    // The sixth: the fifth puts the masks back on the frame before.
    { method: 'advance', call: 6 },
  ] as const;
  const { session } = openTwo(deaths, 8);
  session.inputs.end();
  const { results, error, summary } = await readAll(session);
  expect(error).toMatchObject({ code: 'worker-died' });
  expect(results.map(({ frameIndex }) => frameIndex)).toEqual([0, 1, 2]);
  expect(summary).toMatchObject({ framesOut: 3 });
});

test('deaths on different frames are all outlived', async () => {
  const deaths = [
    { method: 'advance', call: 4 },
    { method: 'advance', call: 8 },
  ] as const;
  const { session, trackers } = openTwo(deaths, 9);
  session.inputs.end();
  const { results, error } = await readAll(session);
  expect(error).toBeNull();
  expect(trackers.reopened()).toBe(2);
  expect(results.map(({ frameIndex }) => frameIndex)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('frames before the loss cannot be corrected any more, frames after it can', async () => {
  const { session } = openTwo([{ method: 'advance', call: 5 }], 7);
  await readUntil(session, isMasks(6));
  const early = prompt(1, 2, { action: 'remove' });
  session.inputs
    .prompt(early)
    .prompt(prompt(2, 5, { action: 'remove' }))
    .end();
  const { events, results, error } = await readAll(session);
  expect(error).toBeNull();
  expect(events.find(({ kind }) => kind === 'prompt-error')).toMatchObject({
    requestId: early.requestId,
    code: 'frame-not-held',
    message: 'frames 4..6 are held, got frame 2',
  });
  expect(results.map(({ frameIndex, revision }) => [frameIndex, revision])).toEqual([
    [5, 1],
    [6, 1],
  ]);
  for (const { objects } of results) expect(objects.map(({ objectId }) => objectId)).toEqual([1]);
});

test.each([
  // Before anything is replayed: there is nothing to start from.
  { method: 'restore', call: 1, answered: [], codes: ['frame-not-held'] },
  // Under the second frame of the replay, whose first is answered: the others follow from it.
  { method: 'advance', call: 8, answered: [3, 4, 5], codes: [] },
] as const)(
  'a thread may die under a correction, in $method',
  async ({ answered, codes, ...death }) => {
    const { session } = openTwo([death], 6);
    await readUntil(session, isMasks(5));
    session.inputs.prompt(prompt(2, 3, { action: 'remove' }));
    session.inputs.frames(1).end();
    const { events, results, error } = await readAll(session);
    expect(error).toBeNull();
    expect(results.map(({ frameIndex }) => frameIndex)).toEqual([...answered, 6]);
    const errors = events.flatMap((event) => (event.kind === 'prompt-error' ? [event.code] : []));
    expect(errors).toEqual(codes);
    const ids = results.at(-1)?.objects.map(({ objectId }) => objectId);
    expect(ids).toEqual(codes.length > 0 ? [1, 2] : [1]);
  },
);

test('LATEST goes on too', async () => {
  const trackers = mortalTrackers([{ method: 'advance', call: 4 }]);
  const options = { delivery: 'latest' } as const;
  const session = open({ scene: twoSquares, trackers, options });
  const [box] = twoSquares.boxes;
  session.inputs.prompt(prompt(1, 0, { box: box ?? null }));
  for (let frame = 0; frame < 8; frame++) {
    session.inputs.frames(1);
    await readUntil(session, isMasks(frame));
  }
  session.inputs.end();
  const { error, summary } = await readAll(session);
  expect(error).toBeNull();
  expect(summary).toMatchObject({ framesOut: 8 });
});
