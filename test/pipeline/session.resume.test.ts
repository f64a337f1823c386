import { afterEach, expect, test } from 'vitest';
import { maskPixels } from '../../src/frame/delivered-mask.ts';
import { runLengthsOf, type RunLengthMask } from '../../src/frame/coco-rle.ts';
import { maskIou } from '../../src/frame/mask.ts';
import type { ResumeObject, ResumeState } from '../../src/pipeline/session-types.ts';
import { movingSquare, trueMask, type Scene } from '../fixtures/fake-video.ts';
import {
  click,
  gate,
  maskOf,
  prompt,
  readAll,
  readUntil,
  TestSessions,
} from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const open = sessions.open;

afterEach(() => sessions.expectNothingLeft());

const deliveries = ['every-frame', 'latest'] as const;

const adaptive = {
  kind: 'adaptive',
  minIntervalFrames: 2,
  maxIntervalFrames: 5,
  intervalsAreTimes: true,
  minConfidence: 0,
} as const;

/** The square is away on frames 3 to 9. */
const vanishing: Scene = {
  ...movingSquare,
  squares: (i) => (i >= 3 && i < 10 ? [] : [{ band: 1, x: 24, y: 20, side: 20 }]),
};

function resumed(objectId: number, mask: RunLengthMask | null): ResumeObject {
  const state = mask === null ? 'occluded' : 'visible';
  return { objectId, label: null, state, mask, reference: null };
}

function resumeOf(objects: readonly ResumeObject[], rest: Partial<ResumeState> = {}): ResumeState {
  return { objects, removedObjectIds: [], searches: [], at: { kind: 'next' }, ...rest };
}

test('a stream that ends before its first frame hands its resume state on', async () => {
  const leaving = gate();
  const resume = resumeOf([resumed(4, runLengthsOf(trueMask(movingSquare, 0, 1)))]);
  const session = open({ options: { resume, goingAway: leaving.opened } });
  leaving.open();
  const notice = (await readUntil(session, ({ kind }) => kind === 'notice')).at(-1);
  expect(notice).toMatchObject({ notice: 'going-away', resume });
  session.stop.abort();
  await readAll(session);
});

test.each(deliveries)(
  'frames up to the one that the masks belong to are not answered, %s',
  async (delivery) => {
    const mask = runLengthsOf(trueMask(movingSquare, 6, 1));
    const at = { kind: 'frame', frameIndex: 6 } as const;
    const session = open({ options: { delivery, resume: resumeOf([resumed(3, mask)], { at }) } });
    session.inputs.frames(10).end();
    const { results, events, summary } = await readAll(session);
    // The format is told although its frame is not answered.
    expect(events[0]).toMatchObject({ kind: 'info' });
    const [first] = results;
    expect(first!.frameIndex - first!.framesDroppedBefore).toBe(7);
    const last = results.at(-1)!;
    expect(maskIou(maskOf(last, 3), trueMask(movingSquare, 9, 1))).toBeGreaterThan(0.8);
    expect(last.frameIndex).toBe(9);
    expect(summary).toMatchObject({ framesIn: 10, framesOut: results.length });
  },
);

test('a frame is named by its time too', async () => {
  const mask = runLengthsOf(trueMask(movingSquare, 4, 1));
  const at = { kind: 'timestamp', timestampUs: 4 * 40_000 + 10 } as const;
  const session = open({ options: { resume: resumeOf([resumed(3, mask)], { at }) } });
  session.inputs.frames(7).end();
  const { results } = await readAll(session);
  expect(results.map(({ frameIndex }) => frameIndex)).toEqual([5, 6]);
});

test.each(deliveries)('a hidden object is found again from its reference, %s', async (delivery) => {
  const reference = { frameIndex: 0, mask: runLengthsOf(trueMask(vanishing, 0, 1)) };
  const resume = resumeOf([{ ...resumed(5, null), label: 'cup', reference }], {
    at: { kind: 'frame', frameIndex: 4 },
  });
  const session = open({ scene: vanishing, options: { delivery, resume, keyframes: adaptive } });
  // One at a time: in LATEST none is skipped then.
  session.inputs.frames(6);
  const states = [];
  for (let i = 5; i < 30; i++) {
    const read = await readUntil(session, ({ kind }) => kind === 'masks');
    const event = read.at(-1)!;
    if (event.kind === 'masks') states.push(event.result.objects[0]);
    session.inputs.frames(1);
  }
  session.inputs.end();
  await readAll(session);
  expect(states[0]).toMatchObject({ objectId: 5, label: 'cup', state: 'occluded', area: 0 });
  expect(states.at(-1)).toMatchObject({ objectId: 5, label: 'cup', state: 'visible' });
  expect(maskIou(maskPixels(states.at(-1)!.mask), trueMask(vanishing, 0, 1))).toBeGreaterThan(0.8);
});

test('objects without a mask go on in their state, and take prompts', async () => {
  const objects: ResumeObject[] = [
    { ...resumed(1, null), state: 'pending' },
    { ...resumed(2, null), state: 'lost' },
    resumed(3, null),
  ];
  const session = open({ options: { resume: resumeOf(objects, { removedObjectIds: [9] }) } });
  const refine = prompt(1, 2, { ...click(20, 30), action: 'refine' });
  const reused = prompt(9, 2, click(20, 30));
  session.inputs.prompt(refine).prompt(reused).frames(4).end();
  const { results, events } = await readAll(session);
  const states = (at: number) => results[at]!.objects.map(({ state }) => state);
  expect(states(0)).toEqual(['pending', 'lost', 'occluded']);
  expect(states(3)).toEqual(['visible', 'lost', 'occluded']);
  expect(events.filter(({ kind }) => kind === 'ack')).toMatchObject([
    { requestId: refine.requestId, frameIndex: 2 },
  ]);
  expect(events.find(({ kind }) => kind === 'prompt-error')).toMatchObject({
    requestId: reused.requestId,
    code: 'duplicate-object',
  });
});

test('a correction of the first answered frame starts from the masks before it', async () => {
  const mask = runLengthsOf(trueMask(movingSquare, 3, 1));
  const at = { kind: 'frame', frameIndex: 3 } as const;
  const session = open({ options: { resume: resumeOf([resumed(3, mask)], { at }) } });
  session.inputs.frames(6);
  await readUntil(session, (event) => event.kind === 'masks' && event.result.frameIndex === 5);
  session.inputs.prompt(prompt(4, 4, click(22, 30))).end();
  const { results } = await readAll(session);
  expect(results.map(({ frameIndex, revision }) => [frameIndex, revision])).toEqual([
    [4, 1],
    [5, 1],
  ]);
  expect(results[1]!.objects.map(({ objectId }) => objectId)).toEqual([3, 4]);
});

test('a video that ends before anything is left to answer still holds its objects', async () => {
  const mask = runLengthsOf(trueMask(movingSquare, 2, 1));
  const at = { kind: 'frame', frameIndex: 2 } as const;
  const leaving = gate();
  const resume = resumeOf([resumed(3, mask)], { at });
  const session = open({ options: { resume, goingAway: leaving.opened } });
  session.inputs.frames(3).endOfVideo();
  await readUntil(session, ({ kind }) => kind === 'notice');
  leaving.open();
  const [notice] = (await readUntil(session, ({ kind }) => kind === 'notice')).slice(-1);
  expect(notice).toMatchObject({ resume: { objects: [{ objectId: 3, state: 'visible' }] } });
  session.inputs.end();
  expect((await readAll(session)).error).toBeNull();
});

test('a phrase is looked for on, under the ids that are left', async () => {
  const search = {
    query: { phrase: 'square', firstObjectId: 20, maxObjects: 3 },
    label: 'thing',
    taken: 1,
  };
  const known = { ...resumed(20, null), label: 'thing' };
  const at = { kind: 'frame', frameIndex: 2 } as const;
  const leaving = gate();
  const resume = resumeOf([known], { at, searches: [search] });
  const session = open({ options: { resume, goingAway: leaving.opened, keyframes: adaptive } });
  session.inputs.prompt(prompt(21, 4, click(26, 30))).frames(8);
  const events = await readUntil(
    session,
    (event) => event.kind === 'masks' && event.result.frameIndex === 7,
  );
  leaving.open();
  const [notice] = (await readUntil(session, ({ kind }) => kind === 'notice')).slice(-1);
  session.inputs.end();
  await readAll(session);
  const last = events.at(-1)!;
  const ids = last.kind === 'masks' ? last.result.objects.map(({ objectId }) => objectId) : [];
  expect(ids).toEqual([20, 21]);
  // The range holds its ids, taken or not.
  expect(events.find(({ kind }) => kind === 'prompt-error')).toMatchObject({
    code: 'duplicate-object',
  });
  expect(notice).toMatchObject({ resume: { searches: [{ query: search.query, taken: 2 }] } });
});
