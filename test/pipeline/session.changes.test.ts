import { afterEach, expect, test } from 'vitest';
import { maskIou } from '../../src/frame/mask.ts';
import { movingSquare, trueMask, type Scene } from '../fixtures/fake-video.ts';
import {
  click,
  gate,
  isMasks,
  maskOf,
  prompt,
  readAll,
  readUntil,
  TestSessions,
} from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const open = sessions.open;

afterEach(() => sessions.expectNothingLeft());

const adaptive = {
  kind: 'adaptive',
  minIntervalFrames: 2,
  maxIntervalFrames: 50,
  intervalsAreTimes: true,
  minConfidence: 0,
} as const;

test('a change of size is announced, carries the objects by scale and makes a keyframe', async () => {
  const scene: Scene = {
    ...movingSquare,
    size: (i) => (i < 3 ? { width: 96, height: 64 } : { width: 64, height: 96 }),
    squares: (i) =>
      i < 3 ? [{ band: 1, x: 24, y: 24, side: 24 }] : [{ band: 1, x: 16, y: 36, side: 24 }],
  };
  for (const delivery of ['every-frame', 'latest'] as const) {
    const session = open({ scene, options: { delivery, keyframes: adaptive } });
    session.inputs.prompt(prompt(1, 0, click(30, 30)));
    const all = [];
    for (let i = 0; i < 5; i++) {
      session.inputs.frames(1);
      all.push(...(await readUntil(session, isMasks(i))));
    }
    session.inputs.end();
    await readAll(session);
    const order = all.map((event) =>
      event.kind === 'masks' ? event.result.frameIndex : event.kind === 'info' ? 'info' : null,
    );
    expect(order.filter((what) => what !== null)).toEqual(['info', 0, 1, 2, 'info', 3, 4]);
    const info = all.findLast((event) => event.kind === 'info');
    expect(info).toMatchObject({
      format: { fromFrameIndex: 3, display: { width: 64, height: 96 } },
    });
    const changed = all.find(isMasks(3));
    if (changed?.kind !== 'masks') throw new Error('no masks of frame 3');
    const { result } = changed;
    // LATEST lets the frame leave first: its keyframe is carried forward.
    expect(result.keyframeReason).toBe(delivery === 'latest' ? null : 'size-change');
    expect(maskOf(result, 1).size).toEqual({ width: 64, height: 96 });
    // Scaled, the old square covers x 16..32 and y 36..72; the model then sees the new one.
    expect(result.objects[0]!.state).toBe('visible');
    const iou = maskIou(maskOf(result, 1), trueMask(scene, 3, 1));
    expect(iou).toBeGreaterThan(delivery === 'latest' ? 0.4 : 0.75);
  }
});

test('a correction across a change of size is checked against the size of its own frame', async () => {
  const scene: Scene = {
    ...movingSquare,
    size: (i) => (i < 2 ? { width: 96, height: 64 } : { width: 48, height: 32 }),
    squares: (i) =>
      i < 2 ? [{ band: 1, x: 60, y: 30, side: 24 }] : [{ band: 1, x: 30, y: 15, side: 12 }],
  };
  const session = open({ scene });
  session.inputs.frames(3);
  await readUntil(session, isMasks(2));
  session.inputs.prompt(prompt(1, 1, click(70, 40))).end();
  const { results, events } = await readAll(session);
  expect(events[0]).toMatchObject({ kind: 'ack', frameIndex: 1 });
  expect(results.map(({ frameIndex }) => frameIndex)).toEqual([1, 2]);
  expect(maskIou(maskOf(results[1], 1), trueMask(scene, 2, 1))).toBeGreaterThan(0.7);
});

test('a scene cut makes a keyframe in adaptive mode', async () => {
  const scene: Scene = {
    ...movingSquare,
    background: (i) => (i < 4 ? 0 : 5),
    squares: (i) => [{ band: 1, x: i < 4 ? 16 : 60, y: i < 4 ? 20 : 34, side: 20 }],
  };
  const session = open({ scene, options: { keyframes: adaptive } });
  session.inputs
    .prompt(prompt(1, 0, click(26, 30)))
    .frames(6)
    .end();
  const { results } = await readAll(session);
  expect(results.map(({ keyframeReason }) => keyframeReason)).toEqual([
    'prompt',
    null,
    null,
    null,
    'scene-cut',
    null,
  ]);
  expect(maskIou(maskOf(results[4], 1), trueMask(scene, 4, 1))).toBeGreaterThan(0.8);
});

test('an object is pending, visible, occluded, visible again, and lost in the end', async () => {
  const scene: Scene = {
    ...movingSquare,
    squares: (i) => ((i >= 4 && i < 8) || i >= 12 ? [] : [{ band: 1, x: 30, y: 20, side: 20 }]),
  };
  const session = open({ scene, options: { keyframes: { kind: 'fixed', intervalFrames: 2 } } });
  session.inputs.prompt(prompt(1, 0, click(2, 2)));
  session.inputs.prompt(prompt(1, 2, { ...click(36, 30), action: 'replace' }));
  session.inputs.frames(30).end();
  const { results } = await readAll(session);
  const states = results.map(({ objects }) => objects[0]!.state);
  expect(states.slice(0, 2)).toEqual(['pending', 'pending']);
  expect(states.slice(2, 4)).toEqual(['visible', 'visible']);
  // Keyframes are even: frame 4 finds it gone, frame 8 finds it back.
  expect(states.slice(4, 8)).toEqual(['occluded', 'occluded', 'occluded', 'occluded']);
  expect(states.slice(8, 12)).toEqual(['visible', 'visible', 'visible', 'visible']);
  // 0.4 s after frame 11, at 25 frames a second: from frame 21 on.
  expect(states.slice(12, 21).every((state) => state === 'occluded')).toBe(true);
  expect(states.slice(21).every((state) => state === 'lost')).toBe(true);
  for (const { objects } of results.slice(12)) {
    expect(objects[0]).toMatchObject({ area: 0, box: null });
  }
});

test('resume state opens a stream where the last one ended', async () => {
  const leaving = gate();
  const first = open({ options: { goingAway: leaving.opened, maskLongSide: 48 } });
  first.inputs.prompt(prompt(9, 0, { ...click(26, 30), label: 'cup' })).frames(4);
  await readUntil(first, isMasks(3));
  leaving.open();
  const notice = (await readUntil(first, ({ kind }) => kind === 'notice')).at(-1)!;
  first.inputs.end();
  await readAll(first);
  const resume = notice.kind === 'notice' ? notice.resume : null;
  expect(resume?.objects).toHaveLength(1);

  const scene: Scene = { ...movingSquare, squares: (i) => movingSquare.squares(i + 4) };
  const second = open({ scene, options: { resume } });
  second.inputs
    .prompt(prompt(9, 1, click(30, 30)))
    .frames(7)
    .end();
  const { results, events } = await readAll(second);
  expect(results[0]).toMatchObject({ source: 'keyframe', keyframeReason: 'resume' });
  expect(results[0]!.objects).toMatchObject([{ objectId: 9, label: 'cup', state: 'visible' }]);
  // Masks of half the size came back: rough, but in place.
  expect(maskIou(maskOf(results[0], 9), trueMask(scene, 0, 1))).toBeGreaterThan(0.7);
  expect(maskIou(maskOf(results[5], 9), trueMask(scene, 5, 1))).toBeGreaterThan(0.8);
  expect(results[5]!.source).toBe('keyframe');
  // Nobody asked for the first prompt, so nobody is told; its id is taken.
  expect(events.filter(({ kind }) => kind === 'ack')).toEqual([]);
  expect(events.find(({ kind }) => kind === 'prompt-error')).toMatchObject({
    code: 'duplicate-object',
  });
});
