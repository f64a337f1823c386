import { maskPixels } from '../../src/frame/delivered-mask.ts';
import { runLengthsOf } from '../../src/frame/coco-rle.ts';
import { afterEach, expect, test } from 'vitest';
import { maskFromBitmap, maskIou, maskToBitmap, type Mask } from '../../src/frame/mask.ts';
import type { OverlapRule } from '../../src/frame/prompt.ts';
import type { SessionEvent } from '../../src/pipeline/session-types.ts';
import { movingSquare, sceneSize, trueMask, type Scene } from '../fixtures/fake-video.ts';
import {
  click,
  type InputScript,
  isMasks,
  maskOf,
  type Outcome,
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
    { band: 1, x: 10 + frameIndex, y: 20, side: 24 },
    { band: 2, x: 34 + frameIndex, y: 20, side: 24 },
  ],
};

/** Position of the first event of a kind for a request. */
function answerAt(events: readonly SessionEvent[], requestId: number): number {
  return events.findIndex((event) => 'requestId' in event && event.requestId === requestId);
}

function masksAt(events: readonly SessionEvent[], frameIndex: number): number {
  return events.findIndex(isMasks(frameIndex));
}

test('prompts for a frame, a time and the next frame are acknowledged just before its masks', async () => {
  const session = open({ scene: twoSquares });
  const next = prompt(1, { kind: 'next' }, click(20, 30));
  const atFrame = prompt(2, 3, click(46, 30));
  const atTime = prompt(3, { kind: 'timestamp', timestampUs: 219_999 }, click(26, 30));
  session.inputs.prompt(next).prompt(atFrame).prompt(atTime).frames(8).end();
  const { events } = await readAll(session);
  for (const [update, frameIndex] of [
    [next, 0],
    [atFrame, 3],
    [atTime, 5],
  ] as const) {
    const at = answerAt(events, update.requestId);
    const { requestId, objectId } = update;
    expect(events[at]).toEqual({ kind: 'ack', requestId, frameIndex, objectIds: [objectId] });
    expect(at).toBe(masksAt(events, frameIndex) - 1);
    const before = events.slice(0, at);
    const seen = before.some(
      (event) =>
        event.kind === 'masks' && event.result.objects.some((one) => one.objectId === objectId),
    );
    expect(seen).toBe(false);
  }
  expect(new Set(events.map((event) => event.kind === 'masks' && event.result.revision))).toEqual(
    new Set([false, 0]),
  );
});

test('a time finds its frame at a variable rate, also the last frame and beyond', async () => {
  const timesUs = [-50_000, 0, 10_000, 500_000, 510_000];
  const scene = { ...movingSquare, timestampUs: (i: number) => timesUs[i] ?? 0 };
  const session = open({ scene, limits: { maxObjects: 5 } });
  const wanted = [
    [-50_000, 0],
    [-1, 0],
    [499_999, 2],
    [500_000, 3],
    [9_000_000, 4],
  ] as const;
  const updates = wanted.map(([timestampUs], i) =>
    prompt(i + 1, { kind: 'timestamp', timestampUs }, click(26, 30)),
  );
  for (const update of updates) session.inputs.prompt(update);
  session.inputs.frames(5).end();
  const { events, results } = await readAll(session);
  updates.forEach(({ requestId }, i) => {
    const frameIndex = wanted[i]![1];
    const at = answerAt(events, requestId);
    expect(events[at]).toMatchObject({ kind: 'ack', frameIndex });
    expect(at).toBeLessThan(masksAt(events, frameIndex));
  });
  // All were known in time: nothing had to be answered twice.
  expect(results.map(({ revision }) => revision)).toEqual([0, 0, 0, 0, 0]);
});

test('a time after the last frame names the last frame, before and after the end of the video', async () => {
  const session = open();
  const early = prompt(1, { kind: 'timestamp', timestampUs: 9e9 }, click(26, 30));
  const late = prompt(2, { kind: 'timestamp', timestampUs: 9e9 }, click(26, 30));
  session.inputs.prompt(early).frames(3).endOfVideo();
  const before = await readUntil(session, isMasks(2));
  session.inputs.prompt(late).end();
  const { events } = await readAll(session);
  const all = [...before, ...events];
  expect(all[answerAt(all, early.requestId)]).toMatchObject({ kind: 'ack', frameIndex: 2 });
  expect(all[answerAt(all, late.requestId)]).toMatchObject({ kind: 'ack', frameIndex: 2 });
  expect(masksAt(all, 2)).toBeGreaterThan(answerAt(all, early.requestId));
});

test('a time before the first frame is refused', async () => {
  const session = open();
  const update = prompt(1, { kind: 'timestamp', timestampUs: -1 }, click(26, 30));
  session.inputs.prompt(update).frames(2).end();
  const { events } = await readAll(session);
  expect(events[answerAt(events, update.requestId)]).toMatchObject({
    kind: 'prompt-error',
    code: 'frame-not-held',
  });
});

test('a prompt whose frame never comes gets its error at the end, before the summary', async () => {
  const session = open();
  const update = prompt(1, 99, click(26, 30));
  session.inputs.prompt(update).frames(2).end();
  const { events, error } = await readAll(session);
  expect(events.at(-2)).toMatchObject({ kind: 'prompt-error', code: 'frame-never-came' });
  expect(error).toBeNull();
});

test('a prompt that comes while its frame is in work is a correction, not lost', async () => {
  const session = open({ trouble: { truncated: false } });
  // The last frame: no later one would find out that the prompt was missed.
  const update = prompt(1, 0, click(26, 30));
  let pushed = false;
  session.segmenter.hooks.encode = () => {
    if (pushed) return;
    pushed = true;
    session.inputs.prompt(update).end();
    return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  };
  session.inputs
    .prompt(prompt(2, 0, click(26, 30)))
    .frames(1)
    .endOfVideo();
  const { events, results } = await readAll(session);
  expect(events[answerAt(events, update.requestId)]).toMatchObject({ kind: 'ack', frameIndex: 0 });
  expect(results.map(({ revision }) => revision)).toEqual([0, 1]);
});

test('a mask prompt is answered with exactly that mask, and confidence 1', async () => {
  const bitmap = new Uint8Array(sceneSize.width * sceneSize.height);
  // A checkerboard of single pixels: nothing that a model or an interpolation would give.
  for (let y = 5; y < 50; y++) for (let x = 7; x < 70; x++) bitmap[y * 96 + x] = (x + y) % 2;
  const mask = maskFromBitmap(bitmap, sceneSize);
  const session = open();
  session.inputs
    .prompt(prompt(1, 1, { mask: runLengthsOf(mask) }))
    .frames(3)
    .end();
  const { results } = await readAll(session);
  const [object] = results[1]!.objects;
  expect(object).toMatchObject({ area: mask.area, box: mask.box, confidence: 1 });
  expect(maskPixels(object!.mask)).toEqual(mask);
  expect(object!.predictedIou).toBeNull();
  expect(results[1]).toMatchObject({ source: 'keyframe', keyframeReason: 'prompt' });
  expect(results[2]!.objects[0]!.confidence).toBeLessThan(1);
});

test('REPLACE starts an object anew, REFINE goes on from its mask', async () => {
  const session = open({
    scene: twoSquares,
    options: { keyframes: { kind: 'fixed', intervalFrames: 99 } },
  });
  const asked: [number, number, boolean][] = [];
  session.segmenter.hooks.decode = (frameIndex, requests) => {
    asked.push([frameIndex, requests[0]!.clicks.length, requests[0]!.prior !== null]);
  };
  session.inputs
    .prompt(prompt(1, 0, click(20, 30)))
    .prompt(prompt(1, 2, { ...click(22, 30), action: 'refine' }))
    .prompt(prompt(1, 2, { ...click(24, 32), action: 'refine' }))
    .prompt(prompt(1, 4, { ...click(44, 30), action: 'replace' }))
    .frames(6)
    .end();
  const { results } = await readAll(session);
  // Clicks on one frame add up; those of an earlier frame say nothing about this one.
  expect(asked).toEqual([
    [0, 1, false],
    [2, 2, true],
    [4, 1, false],
  ]);
  expect(maskIou(maskOf(results[3], 1), trueMask(twoSquares, 3, 1))).toBeGreaterThan(0.8);
  expect(maskIou(maskOf(results[4], 1), trueMask(twoSquares, 4, 2))).toBeGreaterThan(0.8);
});

/** Six frames of two objects, with what `also` sends besides. */
async function withTwoObjects(also: (inputs: InputScript) => unknown): Promise<Outcome> {
  const session = open({ scene: twoSquares, options: { overlap: 'independent' } });
  session.inputs.prompt(prompt(1, 0, click(20, 30))).prompt(prompt(2, 0, click(46, 30)));
  also(session.inputs);
  session.inputs.frames(6).end();
  return await readAll(session);
}

/** Masks of the objects 3 and 7, which claim the very same pixels. */
async function masksUnder(overlap: OverlapRule): Promise<[Mask, Mask][]> {
  const session = open({ options: { overlap } });
  session.inputs.prompt(prompt(7, 0, click(26, 30))).prompt(prompt(3, 0, click(26, 30)));
  session.inputs.frames(4).end();
  const { results } = await readAll(session);
  return results.map((result) => [maskOf(result, 3), maskOf(result, 7)]);
}

test('REMOVE ends an object; its id is never used again; others are not touched', async () => {
  const kept = await withTwoObjects(() => undefined);
  const removed = await withTwoObjects((inputs) =>
    inputs.prompt(prompt(1, 3, { action: 'remove' })).prompt(prompt(1, 4)),
  );
  expect(removed.results.map(({ objects }) => objects.map((one) => one.objectId))).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
    [2],
    [2],
    [2],
  ]);
  expect(removed.events.find((event) => event.kind === 'prompt-error')).toMatchObject({
    code: 'duplicate-object',
    message: 'ADD needs an id that was never used, got 1',
  });
  for (const [i, result] of removed.results.entries()) {
    expect(maskOf(result, 2)).toEqual(maskOf(kept.results[i], 2));
  }
  // A removal alone asks for no keyframe.
  expect(removed.results[3]!.source).toBe('propagated');
});

test('an ADD refused on its frame frees its id', async () => {
  const session = open();
  // Before the first frame nobody knows the size, so this is found out on the frame.
  const outside = prompt(1, 0, click(500, 30));
  session.inputs.prompt(outside).frames(1);
  const before = await readUntil(session, isMasks(0));
  const again = prompt(1, 1, click(26, 30));
  session.inputs.prompt(again).frames(1).end();
  const { events } = await readAll(session);
  expect(before[answerAt(before, outside.requestId)]).toMatchObject({
    code: 'invalid-prompt',
    message: 'point must lie in the 96 x 64 picture, got (500, 30)',
  });
  expect(events[answerAt(events, again.requestId)]).toMatchObject({ kind: 'ack', frameIndex: 1 });
});

test('more clicks on one frame than the model takes are refused, and the stream goes on', async () => {
  const session = open();
  session.inputs.prompt(prompt(1, 0, click(26, 30)));
  const points = [1, 2, 3, 4].map((d) => ({ x: 20 + d, y: 30, label: 'positive' as const }));
  const many = prompt(1, 0, { points, action: 'refine' });
  session.inputs.prompt(many).frames(2).end();
  const { events, error, results } = await readAll(session);
  expect(error).toBeNull();
  expect(events[answerAt(events, many.requestId)]).toMatchObject({ code: 'invalid-prompt' });
  expect(results[1]!.objects).toHaveLength(1);
});

test('DISJOINT gives no pixel twice and ties to the lowest id; INDEPENDENT shares', async () => {
  for (const [low, high] of await masksUnder('disjoint')) {
    expect(low.area).toBeGreaterThan(300);
    const taken = maskToBitmap(low);
    expect(maskToBitmap(high).some((bit, at) => bit === 1 && taken[at] === 1)).toBe(false);
    expect(high.area).toBe(0);
  }
  for (const [low, high] of await masksUnder('independent')) expect(high).toEqual(low);
});

test('a phrase for one frame finds its objects, labels them, and leaves the rest of its ids free', async () => {
  const session = open({ scene: twoSquares });
  const text = { phrase: 'square', firstObjectId: 5, maxObjects: 3, thisFrameOnly: true };
  session.inputs.prompt(prompt(5, 0, { text })).prompt(prompt(7, 2, click(22, 30)));
  session.inputs.frames(2);
  const before = await readUntil(session, isMasks(1));
  const ack = before.find((event) => event.kind === 'ack');
  expect(ack).toMatchObject({ objectIds: [5, 6] });
  session.inputs
    .prompt(prompt(7, 2, click(22, 30)))
    .frames(1)
    .end();
  const { results } = await readAll(session);
  expect(results[0]!.objects.map(({ objectId, label }) => [objectId, label])).toEqual([
    [5, 'square'],
    [6, 'square'],
    [7, null],
  ]);
});

test('an unknown word is an error of the prompt alone', async () => {
  const session = open();
  const text = { phrase: 'circle', firstObjectId: 1, maxObjects: 2 };
  session.inputs
    .prompt(prompt(1, 0, { text }))
    .frames(2)
    .end();
  const { events, results, error } = await readAll(session);
  expect(events.find((event) => event.kind === 'prompt-error')).toMatchObject({
    code: 'unknown-word',
  });
  expect(results).toHaveLength(2);
  expect(error).toBeNull();
});

test('masks at a smaller size keep box and area in display pixels', async () => {
  const session = open({ options: { maskLongSide: 48 } });
  session.inputs
    .prompt(prompt(1, 0, click(26, 30)))
    .frames(1)
    .end();
  const { results } = await readAll(session);
  const [object] = results[0]!.objects;
  const mask = maskPixels(object!.mask);
  expect(mask.size).toEqual({ width: 48, height: 32 });
  expect(object!.area).toBeGreaterThan(3.5 * mask.area);
  expect(object!.box!.x + object!.box!.width).toBeGreaterThan(32);
});
