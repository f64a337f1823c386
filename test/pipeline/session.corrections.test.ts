import { afterEach, expect, test } from 'vitest';
import { maskIou } from '../../src/frame/mask.ts';
import { movingSquare, trueMask, type Scene } from '../fixtures/fake-video.ts';
import {
  click,
  gate,
  isMasks,
  maskOf,
  newestRevisions,
  prompt,
  readAll,
  readUntil,
  TestSessions,
} from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const open = sessions.open;

afterEach(() => sessions.expectNothingLeft());

const twoSquares: Scene = {
  ...movingSquare,
  squares: (frameIndex) => [
    { band: 1, x: 10 + frameIndex, y: 20, side: 20 },
    { band: 2, x: 50 + frameIndex, y: 24, side: 20 },
  ],
};

test('a correction answers its frame and all after it again, before any newer frame', async () => {
  const session = open({ scene: twoSquares });
  session.inputs.prompt(prompt(1, 0, click(20, 30))).frames(6);
  const before = await readUntil(session, isMasks(5));
  session.inputs
    .prompt(prompt(2, 3, click(60, 34)))
    .frames(2)
    .end();
  const { results } = await readAll(session);
  expect(results.map(({ frameIndex, revision }) => [frameIndex, revision])).toEqual([
    [3, 1],
    [4, 1],
    [5, 1],
    [6, 0],
    [7, 0],
  ]);
  const first = before.flatMap((event) => (event.kind === 'masks' ? [event.result] : []));
  for (const result of results) {
    const truth = trueMask(twoSquares, result.frameIndex, 2);
    expect(maskIou(maskOf(result, 2), truth)).toBeGreaterThan(0.75);
  }
  // Frame 3 is a keyframe now, so object 1 was decoded again there; before it nothing changed.
  expect(results[0]).toMatchObject({ source: 'keyframe', keyframeReason: 'prompt' });
  expect(first.every(({ revision }) => revision === 0)).toBe(true);
});

test('objects that a removal does not touch come out bit for bit as before', async () => {
  const session = open({ scene: twoSquares, options: { overlap: 'independent' } });
  session.inputs
    .prompt(prompt(1, 0, click(20, 30)))
    .prompt(prompt(2, 0, click(60, 34)))
    .frames(6);
  const before = await readUntil(session, isMasks(5));
  session.inputs
    .prompt(prompt(2, 2, { action: 'remove' }))
    .frames(1)
    .end();
  const { results } = await readAll(session);
  const first = before.flatMap((event) => (event.kind === 'masks' ? [event.result] : []));
  for (const { frameIndex, revision, objects } of results.slice(0, 4)) {
    expect(revision).toBe(1);
    const same = first[frameIndex]!.objects.filter(({ objectId }) => objectId === 1);
    expect(objects).toEqual(same);
  }
  expect(results.map(({ frameIndex }) => frameIndex)).toEqual([2, 3, 4, 5, 6]);
});

test('the outcome is the same whether a prompt comes in time or as a correction', async () => {
  const options = { scene: twoSquares, options: { overlap: 'independent' as const } };
  const second = prompt(2, 2, click(60, 34));
  const inTime = open(options);
  inTime.inputs
    .prompt(prompt(1, 0, click(20, 30)))
    .prompt(second)
    .frames(6)
    .end();
  const late = open(options);
  late.inputs.prompt(prompt(1, 0, click(20, 30))).frames(5);
  const before = await readUntil(late, isMasks(4));
  late.inputs.prompt(second).frames(1).end();
  const [a, b] = [await readAll(inTime), await readAll(late)];
  const early = before.flatMap((event) => (event.kind === 'masks' ? [event.result] : []));
  const newest = newestRevisions([...early, ...b.results]);
  for (const { frameIndex, objects, source } of a.results) {
    expect(newest.get(frameIndex)).toMatchObject({ source });
    expect(newest.get(frameIndex)!.objects).toEqual(objects);
  }
});

test('objects added where nothing moved before are carried over the frames replayed', async () => {
  // Without a mask no flow was computed: the replay has to make it from the pixels it kept.
  const session = open();
  session.inputs.frames(5);
  await readUntil(session, isMasks(4));
  session.inputs
    .prompt(prompt(1, 0, click(26, 30)))
    .frames(1)
    .end();
  const { results } = await readAll(session);
  expect(results.map(({ frameIndex }) => frameIndex)).toEqual([0, 1, 2, 3, 4, 5]);
  for (const result of results) {
    const truth = trueMask(movingSquare, result.frameIndex, 1);
    expect(maskIou(maskOf(result, 1), truth)).toBeGreaterThan(0.8);
  }
});

test('two corrections in a row each make their own revision', async () => {
  const session = open({ scene: twoSquares });
  session.inputs.frames(4);
  await readUntil(session, isMasks(3));
  session.inputs
    .prompt(prompt(1, 2, click(20, 30)))
    .prompt(prompt(2, 1, click(60, 34)))
    .end();
  const { results, events } = await readAll(session);
  expect(results.map(({ frameIndex, revision }) => [frameIndex, revision])).toEqual([
    [2, 1],
    [3, 1],
    [1, 1],
    [2, 2],
    [3, 2],
  ]);
  expect(results.at(-1)!.objects.map(({ objectId }) => objectId)).toEqual([1, 2]);
  // Each update is acknowledged once, however often its frame is replayed.
  expect(events.filter(({ kind }) => kind === 'ack')).toHaveLength(2);
});

test('outside the held range the error names the range, and the id stays free', async () => {
  const session = open({ limits: { retainedFrames: 3 } });
  session.inputs.frames(8);
  await readUntil(session, isMasks(7));
  session.inputs
    .prompt(prompt(1, 4, click(26, 30)))
    .prompt(prompt(1, 5, click(26, 30)))
    .end();
  const { events, results } = await readAll(session);
  expect(events[0]).toMatchObject({
    kind: 'prompt-error',
    code: 'frame-not-held',
    message: 'frames 5..7 are held, got frame 4',
  });
  expect(results.map(({ frameIndex }) => frameIndex)).toEqual([5, 6, 7]);
});

test('a refused removal leaves its object alive and known', async () => {
  const session = open({ limits: { retainedFrames: 2 } });
  session.inputs.prompt(prompt(1, 0, click(26, 30))).frames(6);
  await readUntil(session, isMasks(5));
  session.inputs.prompt(prompt(1, 0, { action: 'remove' }));
  await readUntil(session, (event) => event.kind === 'prompt-error');
  session.inputs
    .prompt(prompt(1, 6, { ...click(30, 30), action: 'refine' }))
    .frames(1)
    .end();
  const { events } = await readAll(session);
  expect(events[0]).toMatchObject({ kind: 'ack', frameIndex: 6 });
});

test('a removal on a frame before the object was added is refused', async () => {
  const session = open();
  session.inputs.prompt(prompt(1, 3, click(30, 30))).frames(5);
  await readUntil(session, isMasks(4));
  session.inputs.prompt(prompt(1, 1, { action: 'remove' })).end();
  const { events, results } = await readAll(session);
  expect(events.find(({ kind }) => kind === 'prompt-error')).toMatchObject({
    code: 'unknown-object',
    message: 'REMOVE needs an object that exists on frame 1, got id 1',
  });
  expect(results.at(-1)!.objects).toHaveLength(1);
});

test('with room for one frame only nothing but frame 0 can be corrected', async () => {
  const session = open({ limits: { maxRetainedBytes: 1 } });
  session.inputs.frames(1);
  await readUntil(session, isMasks(0));
  session.inputs.prompt(prompt(1, 0, click(26, 30)));
  await readUntil(session, isMasks(0, 1));
  session.inputs.frames(2);
  await readUntil(session, isMasks(2));
  session.inputs.prompt(prompt(2, 2, click(26, 30))).end();
  const { events } = await readAll(session);
  expect(events[0]).toMatchObject({
    code: 'frame-not-held',
    message: 'no frame is held, got frame 2',
  });
});

test('prompts are taken between the end of the video and the half-close', async () => {
  const session = open();
  session.inputs.frames(3).endOfVideo();
  await readUntil(session, isMasks(2));
  const next = prompt(2, { kind: 'next' }, click(26, 30));
  session.inputs
    .prompt(next)
    .prompt(prompt(1, 1, click(26, 30)))
    .end();
  const { results, events } = await readAll(session);
  expect(results.map(({ frameIndex, revision }) => [frameIndex, revision])).toEqual([
    [1, 1],
    [2, 1],
  ]);
  expect(events.find(({ kind }) => kind === 'prompt-error')).toMatchObject({
    requestId: next.requestId,
    code: 'frame-never-came',
  });
});

const isNotice = ({ kind }: { readonly kind: string }): boolean => kind === 'notice';

test('a client that ends its video alone is told when every frame is answered', async () => {
  const session = open();
  session.inputs.frames(3).endOfVideo();
  const events = await readUntil(session, isNotice);
  expect(events.filter(isMasks(2))).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ kind: 'notice', notice: 'video-answered' });
  session.inputs.end();
  const rest = await readAll(session);
  expect(rest.events.some(isNotice)).toBe(false);
});

test('waiting corrections count against the bound of waiting prompts', async () => {
  const session = open({ limits: { maxPendingPrompts: 2 } });
  const held = gate();
  session.inputs.frames(3);
  await readUntil(session, isMasks(2));
  session.segmenter.hooks.encode = () => held.opened;
  for (const id of [1, 2, 3, 4]) session.inputs.prompt(prompt(id, 1, click(26, 30)));
  const refused = await readUntil(session, ({ kind }) => kind === 'prompt-error');
  expect(refused.at(-1)).toMatchObject({ code: 'too-many-prompts' });
  held.open();
  session.inputs.end();
  const { events } = await readAll(session);
  expect([...refused, ...events].filter(({ kind }) => kind === 'ack').length).toBeLessThan(4);
});

test('a frame that waits behind a correction is closed when the stream is aborted', async () => {
  const session = open();
  const held = gate();
  session.inputs.frames(3);
  await readUntil(session, isMasks(2));
  session.segmenter.hooks.encode = () => held.opened;
  session.inputs.prompt(prompt(1, 1, click(26, 30)));
  // The correction is in work; the next frames come up behind it.
  await expect.poll(() => session.segmenter.encoded).toEqual([1]);
  session.inputs.frames(3);
  await expect.poll(() => session.watch.framesDecoded).toBeGreaterThan(3);
  session.stop.abort();
  const { error } = await readAll(session);
  expect(error).toMatchObject({ code: 'cancelled' });
});

test('a model failure in a correction ends the stream and frees the frame behind it', async () => {
  const session = open();
  const held = gate();
  session.inputs.frames(3);
  await readUntil(session, isMasks(2));
  session.segmenter.hooks.encode = async () => {
    await held.opened;
    throw new Error('the model broke');
  };
  session.inputs.prompt(prompt(1, 1, click(26, 30))).frames(3);
  await expect.poll(() => session.watch.framesDecoded).toBeGreaterThan(3);
  held.open();
  const { error, summary } = await readAll(session);
  expect(error).toMatchObject({ code: 'internal', message: 'internal error' });
  expect(summary).not.toBeNull();
});

test('corrections that wait share one replay', async () => {
  const session = open();
  const held = gate();
  session.inputs.frames(4);
  await readUntil(session, isMasks(3));
  session.segmenter.hooks.encode = () => held.opened;
  session.inputs.prompt(prompt(1, 3, click(26, 30)));
  await expect.poll(() => session.segmenter.encoded).toEqual([3]);
  for (const id of [2, 3, 4]) session.inputs.prompt(prompt(id, id - 1, click(26, 30)));
  await new Promise(setImmediate);
  held.open();
  session.inputs.end();
  const { results, events } = await readAll(session);
  expect(events.filter(({ kind }) => kind === 'ack')).toHaveLength(4);
  // Frame 3 for the first, then 1 to 3 once for the three others.
  expect(results.map(({ frameIndex, revision }) => [frameIndex, revision])).toEqual([
    [3, 1],
    [1, 1],
    [2, 1],
    [3, 2],
  ]);
});

test('corrections have a budget of frames, which time fills again', async () => {
  const session = open({ limits: { maxReplayedFrames: 6, replayedFramesPerSecond: 0 } });
  session.inputs.frames(4);
  await readUntil(session, isMasks(3));
  session.inputs.prompt(prompt(1, 0, click(26, 30)));
  await readUntil(session, isMasks(3, 1));
  session.inputs.prompt(prompt(2, 0, click(26, 30)));
  const refused = await readUntil(session, ({ kind }) => kind === 'prompt-error');
  expect(refused.at(-1)).toMatchObject({ code: 'too-many-prompts' });
  session.inputs.prompt(prompt(2, 3, click(26, 30))).end();
  const { events } = await readAll(session);
  expect(events.filter(({ kind }) => kind === 'ack')).toHaveLength(1);
});
