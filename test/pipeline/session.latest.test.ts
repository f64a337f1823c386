import { runLengthsOf } from '../../src/frame/coco-rle.ts';
import { afterEach, expect, test } from 'vitest';
import { maskIou } from '../../src/frame/mask.ts';
import type { SessionOptions } from '../../src/pipeline/session-types.ts';
import { movingSquare, trueMask, type Scene } from '../fixtures/fake-video.ts';
import {
  click,
  gate,
  isMasks,
  localTrackers,
  maskOf,
  prompt,
  readAll,
  readUntil,
  TestSessions,
  type SessionSetup,
} from '../fixtures/session-harness.ts';
import { settled } from '../fixtures/settled.ts';

const sessions = new TestSessions();
/** A clock that stands: no frame is late, whatever else the machine does. */
const open = (setup: SessionSetup) => sessions.open({ nowMs: () => 0, ...setup });

afterEach(() => sessions.expectNothingLeft());

const latest: Partial<SessionOptions> = {
  delivery: 'latest',
  keyframes: { kind: 'fixed', intervalFrames: 3 },
};

test('frames that come while one is in work are dropped, counted, closed; the newest stays', async () => {
  const held = gate();
  const trackers = localTrackers((method) => (method === 'advance' ? held.opened : undefined));
  const session = open({ trackers, options: latest });
  session.inputs.frames(11).end();
  const outcome = readAll(session);
  await expect.poll(() => session.watch.framesDecoded).toBe(11);
  held.open();
  const { results, summary, events } = await outcome;
  expect(results.map((result) => [result.frameIndex, result.framesDroppedBefore])).toEqual([
    [0, 0],
    [10, 9],
  ]);
  expect(summary).toMatchObject({ framesIn: 11, framesOut: 2, framesDropped: 9 });
  const notices = events.filter((event) => event.kind === 'notice');
  expect(notices).toMatchObject([{ notice: 'overload' }]);
  // Held: frame 0 in work and three that wait; one more as they are conflated.
  expect(session.watch.mostAlive).toBeLessThanOrEqual(5);
});

test('a keyframe in work lets later frames leave, and its result is carried to where it comes', async () => {
  const scene: Scene = {
    ...movingSquare,
    size: () => ({ width: 128, height: 96 }),
    squares: (i) => [{ band: 1, x: 16 + 2 * i, y: 28, side: 40 }],
  };
  const session = open({ scene, options: latest });
  const held = gate();
  session.segmenter.hooks.encode = (frameIndex) => (frameIndex === 3 ? held.opened : undefined);
  session.inputs.prompt(prompt(1, 0, click(26, 30)));
  for (let frameIndex = 0; frameIndex < 6; frameIndex++) {
    session.inputs.frames(1);
    const events = await readUntil(session, isMasks(frameIndex));
    const last = events.at(-1)!;
    const keyframeIndex = last.kind === 'masks' ? last.result.keyframeIndex : null;
    expect(keyframeIndex).toBe(0);
  }
  held.open();
  await Promise.resolve();
  await settled();
  session.inputs.frames(1).end();
  const { results, summary } = await readAll(session);
  const [result] = results;
  expect(result).toMatchObject({ frameIndex: 6, source: 'propagated', keyframeIndex: 3 });
  // Composed flow moved the mask of frame 3 on by six pixels.
  const iou = (frameIndex: number): number =>
    maskIou(maskOf(result, 1), trueMask(scene, frameIndex, 1));
  expect(iou(6)).toBeGreaterThan(0.85);
  expect(iou(6)).toBeGreaterThan(iou(3) + 0.05);
  // Frame 6 is due as well; its run is not over when the stream ends.
  expect(summary).toMatchObject({ keyframes: 2, encoderRuns: 3 });
});

test('a hidden object that an asynchronous keyframe finds again is put where it is now', async () => {
  const scene: Scene = {
    ...movingSquare,
    size: () => ({ width: 128, height: 96 }),
    squares: (i) => (i === 1 || i === 2 ? [] : [{ band: 1, x: 16 + 2 * i, y: 28, side: 40 }]),
  };
  const session = open({ scene, options: latest });
  const held = gate();
  session.segmenter.hooks.encode = (frameIndex) => (frameIndex === 3 ? held.opened : undefined);
  // The client says that the object is not there on frame 1.
  const nothing = { size: scene.size(0), box: null, bits: new Uint8Array(0), area: 0 };
  session.inputs.prompt(prompt(1, 0, click(20, 30)));
  session.inputs.prompt(prompt(1, 1, { mask: runLengthsOf(nothing), action: 'refine' }));
  for (let frameIndex = 0; frameIndex < 7; frameIndex++) {
    session.inputs.frames(1);
    await readUntil(session, isMasks(frameIndex));
  }
  held.open();
  await settled();
  session.inputs.frames(1).end();
  const { results } = await readAll(session);
  expect(results[0]!.objects[0]!.state).toBe('visible');
  // Nothing was visible meanwhile, and still its motion since frame 3 is known: eight pixels.
  const iou = (frameIndex: number): number =>
    maskIou(maskOf(results[0], 1), trueMask(scene, frameIndex, 1));
  expect(iou(7)).toBeGreaterThan(0.8);
  expect(iou(7)).toBeGreaterThan(iou(3) + 0.1);
});

test('a prompt that comes while a keyframe is in work wins over its late result', async () => {
  const scene: Scene = {
    ...movingSquare,
    squares: (i) => [
      { band: 1, x: 8 + i, y: 20, side: 20 },
      { band: 2, x: 50 + i, y: 20, side: 20 },
    ],
  };
  const session = open({ scene, options: latest });
  const held = gate();
  session.segmenter.hooks.encode = (frameIndex) => (frameIndex === 3 ? held.opened : undefined);
  session.inputs.prompt(prompt(1, 0, click(16, 30)));
  session.inputs.prompt(prompt(1, 4, { ...click(60, 30), action: 'replace' }));
  for (let frameIndex = 0; frameIndex < 5; frameIndex++) {
    session.inputs.frames(1);
    await readUntil(session, isMasks(frameIndex));
  }
  held.open();
  await settled();
  session.inputs.frames(1).end();
  const { results } = await readAll(session);
  expect(results[0]!.keyframeIndex).toBe(4);
  expect(maskIou(maskOf(results[0], 1), trueMask(scene, 5, 2))).toBeGreaterThan(0.75);
});

test('an object that is removed while a keyframe is in work does not come back with it', async () => {
  const session = open({ options: latest });
  const held = gate();
  session.segmenter.hooks.encode = (frameIndex) => (frameIndex === 3 ? held.opened : undefined);
  session.inputs.prompt(prompt(1, 0, click(26, 30)));
  session.inputs.prompt(prompt(1, 4, { action: 'remove' }));
  for (let frameIndex = 0; frameIndex < 5; frameIndex++) {
    session.inputs.frames(1);
    await readUntil(session, isMasks(frameIndex));
  }
  held.open();
  await settled();
  session.inputs.frames(2).end();
  const { results, error } = await readAll(session);
  expect(results.map(({ objects }) => objects.length).every((count) => count === 0)).toBe(true);
  expect(error).toBeNull();
});

test('a correction while a keyframe is in work gives it up and goes on', async () => {
  const session = open({ options: latest });
  const held = gate();
  session.segmenter.hooks.encode = (frameIndex) => (frameIndex === 3 ? held.opened : undefined);
  session.inputs.prompt(prompt(1, 0, click(26, 30)));
  for (let frameIndex = 0; frameIndex < 5; frameIndex++) {
    session.inputs.frames(1);
    await readUntil(session, isMasks(frameIndex));
  }
  session.inputs.prompt(prompt(2, 2, click(28, 30)));
  const again = await readUntil(session, isMasks(4, 1));
  expect(again.filter(({ kind }) => kind === 'masks')).toHaveLength(3);
  session.inputs.frames(2).end();
  const outcome = readAll(session);
  held.open();
  const { error, results } = await outcome;
  expect(error).toBeNull();
  expect(results.at(-1)!.objects).toHaveLength(2);
});

test('a prompt on a dropped frame names the nearest held one', async () => {
  const held = gate();
  let hold = true;
  const trackers = localTrackers((method) =>
    method === 'advance' && hold ? held.opened : undefined,
  );
  const session = open({ trackers, options: latest });
  session.inputs.frames(8);
  const first = readUntil(session, isMasks(7));
  await expect.poll(() => session.watch.framesDecoded).toBe(8);
  hold = false;
  held.open();
  await first;
  session.inputs.prompt(prompt(1, 5, click(26, 30))).end();
  const { events } = await readAll(session);
  expect(events[0]).toMatchObject({
    code: 'frame-dropped',
    message: 'frame 5 was dropped; the nearest held frame is 7',
  });
});

test('what was decoded before a failure is answered, and a truncated end is never lost', async () => {
  for (const trouble of [
    { truncated: true },
    { failAt: { frameIndex: 5, error: new Error('ffmpeg was killed') } },
  ]) {
    const held = gate();
    const trackers = localTrackers((method) => (method === 'advance' ? held.opened : undefined));
    const session = open({ trackers, options: latest, trouble });
    session.inputs.frames(6).end();
    const outcome = readAll(session);
    await expect.poll(() => session.watch.ended).toBe(true);
    held.open();
    const { results, summary, error } = await outcome;
    expect(results.at(-1)!.frameIndex).toBe('truncated' in trouble ? 5 : 4);
    expect(summary!.framesIn).toBe(summary!.framesOut + summary!.framesDropped);
    expect(summary!.truncated).toBe('truncated' in trouble);
    expect(error === null).toBe('truncated' in trouble);
  }
});

test('aborting with a keyframe in work leaves nothing behind', async () => {
  const session = open({ options: latest });
  const never = new Promise<void>(Boolean);
  session.segmenter.hooks.encode = (frameIndex) => (frameIndex === 3 ? never : undefined);
  session.inputs.prompt(prompt(1, 0, click(26, 30)));
  for (let frameIndex = 0; frameIndex < 5; frameIndex++) {
    session.inputs.frames(1);
    await readUntil(session, isMasks(frameIndex));
  }
  session.stop.abort();
  const { error, summary } = await readAll(session);
  expect(error).toMatchObject({ code: 'cancelled' });
  expect(summary).not.toBeNull();
});
