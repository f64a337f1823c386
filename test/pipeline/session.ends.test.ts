import { maskRunLengths } from '../../src/frame/delivered-mask.ts';
import { afterEach, expect, test } from 'vitest';
import { SegmentationError } from '../../src/frame/errors.ts';
import { liveFrames } from '../../src/frame/frame.ts';
import { createFakeSegmenter } from '../fixtures/fake-segmenter.ts';
import {
  click,
  gate,
  isMasks,
  localTrackers,
  prompt,
  readAll,
  readUntil,
  TestSessions,
} from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const open = sessions.open;
const never = new Promise<void>(Boolean);

afterEach(() => sessions.expectNothingLeft());

test('a decoder that fails: results so far, the summary, then its error', async () => {
  const error = new SegmentationError('decoder-failed', 'ffmpeg was killed');
  const session = open({ trouble: { failAt: { frameIndex: 4, error } } });
  const waiting = prompt(1, 8, click(26, 30));
  // The client says nothing more and does not half-close: the error must come all the same.
  session.inputs.prompt(waiting).frames(6);
  const outcome = await readAll(session);
  expect(outcome.results.map(({ frameIndex }) => frameIndex)).toEqual([0, 1, 2, 3]);
  expect(outcome.events.at(-2)).toMatchObject({ kind: 'prompt-error', code: 'frame-never-came' });
  expect(outcome.summary).toMatchObject({ framesIn: 4, framesOut: 4 });
  expect(outcome.error).toBe(error);
});

test('of a video that failed nobody is told that all of it is answered', async () => {
  const error = new SegmentationError('undecodable-video', 'expected mp4 video, got noise');
  const session = open({ trouble: { failAt: { frameIndex: 2, error } } });
  session.inputs.frames(3).endOfVideo();
  const outcome = await readAll(session);
  expect(outcome.results).toHaveLength(2);
  expect(outcome.error).toBe(error);
  expect(outcome.events.filter(({ kind }) => kind === 'notice')).toEqual([]);
});

test('an unknown failure becomes an internal error that says nothing of its cause', async () => {
  const session = open({ trouble: { failAt: { frameIndex: 1, error: new Error('secret path') } } });
  session.inputs.frames(3);
  const { error } = await readAll(session);
  expect(error).toMatchObject({ code: 'internal', message: 'internal error' });
});

test('inputs that throw: what came before is answered, then the error', async () => {
  const session = open();
  const error = new SegmentationError('malformed-message', 'expected a message, got noise');
  session.inputs.frames(5).fail(error);
  const outcome = await readAll(session);
  expect(outcome.results).toHaveLength(5);
  expect(outcome.summary).toMatchObject({ framesOut: 5 });
  expect(outcome.error).toBe(error);
});

test('a stream without video is an error after an empty summary', async () => {
  const session = open();
  session.inputs.end();
  const { error, summary, events } = await readAll(session);
  expect(error).toMatchObject({ code: 'empty-stream' });
  expect(summary).toMatchObject({ framesIn: 0, framesOut: 0 });
  expect(events).toHaveLength(1);
});

test('a model that fails ends the stream with its error', async () => {
  const session = open();
  const error = new SegmentationError('worker-died', 'the model died twice');
  session.segmenter.hooks.decode = (frameIndex) =>
    frameIndex === 5 ? Promise.reject(error) : undefined;
  session.inputs.prompt(prompt(1, 0, click(26, 30))).frames(20);
  const outcome = await readAll(session);
  expect(outcome.results).toHaveLength(5);
  expect(outcome.error).toBe(error);
});

test('a tracker that cannot be opened ends the stream', async () => {
  const died = new SegmentationError('worker-died', 'the tracking thread ended');
  const trackers = { open: () => Promise.reject(died), close: async () => undefined };
  const session = open({ trackers });
  session.inputs.frames(1);
  const { error } = await readAll(session);
  expect(error).toBe(died);
});

test('aborted before the first event: nothing is decoded, the reason is thrown', async () => {
  const session = open();
  const reason = new SegmentationError('deadline-exceeded', 'the deadline passed');
  session.stop.abort(reason);
  session.inputs.frames(3);
  const { error, results } = await readAll(session);
  expect(error).toBe(reason);
  expect(results).toEqual([]);
});

test('aborted while the first frame is being decoded', async () => {
  const held = gate();
  const session = open({ trouble: { beforeFrame: () => held.opened } });
  session.inputs.frames(2);
  const outcome = readAll(session);
  await expect.poll(() => session.inputs.taken).toBeGreaterThan(0);
  session.stop.abort();
  held.open();
  expect((await outcome).error).toMatchObject({ code: 'cancelled' });
});

test('aborted during encode, decode or refine of the model, or a tracker call', async () => {
  const refiner = { cropSide: 16, appearanceLength: 3, maxConfidence: 1 };
  for (const stage of ['encode', 'decode', 'refine'] as const) {
    const segmenter = createFakeSegmenter({ refiner });
    const begun = gate();
    segmenter.hooks[stage] = () => {
      begun.open();
      return never;
    };
    const session = open({ segmenter });
    session.inputs.prompt(prompt(1, 0, click(26, 30))).frames(4);
    const outcome = readAll(session);
    await begun.opened;
    session.stop.abort();
    const { error, summary } = await outcome;
    expect({ stage, error }).toMatchObject({ stage, error: { code: 'cancelled' } });
    expect(summary).toMatchObject({ framesOut: 0 });
  }
  for (const stage of ['advance', 'plan', 'apply', 'deliver']) {
    const begun = gate();
    const goOn = gate();
    const trackers = localTrackers((method) => {
      if (method !== stage) return undefined;
      begun.open();
      return goOn.opened;
    });
    const session = open({ trackers });
    session.inputs.prompt(prompt(1, 0, click(26, 30))).frames(4);
    const outcome = readAll(session);
    await begun.opened;
    session.stop.abort();
    goOn.open();
    const { error } = await outcome;
    expect({ stage, error }).toMatchObject({ stage, error: { code: 'cancelled' } });
  }
});

test('aborted after any number of events', async () => {
  for (let count = 1; count < 9; count++) {
    const session = open();
    session.inputs.prompt(prompt(1, 2, click(26, 30))).frames(30);
    for (let i = 0; i < count; i++) await session.events.next();
    session.stop.abort();
    const { error } = await readAll(session);
    expect(error).toMatchObject({ code: 'cancelled' });
  }
});

test('aborted with a full output queue and a reader that never reads again', async () => {
  const session = open();
  session.inputs.frames(50);
  await readUntil(session, isMasks(0));
  await expect.poll(() => session.watch.framesDecoded).toBeGreaterThan(8);
  expect(liveFrames()).toBeGreaterThan(0);
  session.stop.abort();
  // Nobody reads: the session lets go of everything by itself.
  await expect.poll(() => liveFrames()).toBe(0);
  await expect.poll(() => session.segmenter.openFeatures()).toBe(0);
});

test('a reader that stops early ends the session and the inputs', async () => {
  const session = open();
  session.inputs.prompt(prompt(1, 0, click(26, 30))).frames(50);
  for await (const event of session.events) if (isMasks(3)(event)) break;
  expect(session.watch.ended).toBe(true);
  expect(session.watch.framesDecoded).toBeLessThan(20);
});

test('a frame that is held for the time of the next one is closed on abort', async () => {
  const session = open();
  session.inputs
    .prompt(prompt(1, { kind: 'timestamp', timestampUs: 1e9 }, click(26, 30)))
    .frames(3);
  await readUntil(session, isMasks(1));
  session.stop.abort();
  expect((await readAll(session)).error).toMatchObject({ code: 'cancelled' });
});

test('features encoded ahead that nobody needed are freed', async () => {
  // The click hits nothing: the object stays pending, and the prefetched keyframes never come.
  const session = open({ options: { keyframes: { kind: 'fixed', intervalFrames: 2 } } });
  session.inputs.prompt(prompt(1, 0, click(2, 2))).frames(21);
  await readUntil(session, isMasks(20));
  await expect.poll(() => session.segmenter.openFeatures()).toBeLessThanOrEqual(2);
  session.inputs.end();
  const { error } = await readAll(session);
  expect(error).toBeNull();
});

test('the server going away is told with the objects to resume, and the stream goes on', async () => {
  const leaving = gate();
  const session = open({ options: { goingAway: leaving.opened } });
  session.inputs.prompt(prompt(1, 0, { ...click(26, 30), label: 'box' })).frames(2);
  const before = await readUntil(session, isMasks(1));
  leaving.open();
  const [notice] = (await readUntil(session, ({ kind }) => kind === 'notice')).slice(-1);
  session.inputs.frames(1).end();
  const { results, error } = await readAll(session);
  const last = before.at(-1)!;
  const mask = last.kind === 'masks' ? maskRunLengths(last.result.objects[0]!.mask) : null;
  expect(notice).toMatchObject({
    notice: 'going-away',
    resume: { objects: [{ objectId: 1, label: 'box', state: 'visible', mask }] },
  });
  expect(results).toHaveLength(1);
  expect(error).toBeNull();
});
