import { afterEach, expect, test } from 'vitest';
import { maskIou } from '../../src/frame/mask.ts';
import type { PromptUpdate } from '../../src/frame/prompt.ts';
import type { FrameResult } from '../../src/pipeline/session-types.ts';
import { movingSquare, trueMask, twoSquares, type Scene } from '../fixtures/fake-video.ts';
import {
  click,
  isMasks,
  maskOf,
  newestRevisions,
  prompt,
  readAll,
  readUntil,
  TestSessions,
} from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const { open } = sessions;
afterEach(() => sessions.expectNothingLeft());

const adaptive = {
  kind: 'adaptive',
  minIntervalFrames: 2,
  maxIntervalFrames: 16,
  intervalsAreTimes: true,
  minConfidence: 0.1,
} as const;

/** The two squares, each there from some frame on and until another one. */
function squaresAt(...times: readonly [from: number, to: number][]): Scene {
  return {
    ...twoSquares,
    squares: (frameIndex) =>
      twoSquares.squares().filter((_, i) => {
        const [from, to] = times[i] ?? [0, 0];
        return frameIndex >= from && frameIndex < to;
      }),
  };
}

function phrase(maxObjects: number, more: Partial<PromptUpdate['text']> = {}): PromptUpdate {
  const text = { phrase: 'square', firstObjectId: 5, maxObjects, ...more };
  return prompt(5, 0, { text });
}

/** Ids of the objects that have a mask, frame by frame. */
function shownIds(results: readonly FrameResult[]): number[][] {
  return results.map(({ objects }) =>
    objects.filter(({ area }) => area > 0).map(({ objectId }) => objectId),
  );
}

/** The first frame on which an object has a mask. */
function firstShown(results: readonly FrameResult[], objectId: number): FrameResult | undefined {
  return results.find(({ objects }) =>
    objects.some((object) => object.objectId === objectId && object.area > 0),
  );
}

test('a phrase that finds nothing is looked for on later frames until it is there', async () => {
  const scene = squaresAt([3, 99]);
  const session = open({ scene, options: { keyframes: adaptive } });
  session.inputs.prompt(phrase(1)).frames(12).end();
  const { events, results } = await readAll(session);
  expect(events.find(({ kind }) => kind === 'ack')).toMatchObject({ frameIndex: 0, objectIds: [] });
  // The first pause is 8 frames.
  const first = firstShown(results, 5);
  expect(first).toMatchObject({ frameIndex: 8, source: 'keyframe', keyframeReason: 'prompt' });
  expect(first?.objects[0]?.label).toBe('square');
  expect(maskIou(maskOf(first, 5), trueMask(scene, 8, 1))).toBeGreaterThan(0.9);
  expect(shownIds(results.slice(9))).toEqual([[5], [5], [5]]);
});

test('with fixed keyframes it is looked for on those alone', async () => {
  const session = open({ scene: squaresAt([3, 99]) });
  session.inputs.prompt(phrase(1)).frames(12).end();
  const { results } = await readAll(session);
  expect(firstShown(results, 5)?.frameIndex).toBe(10);
  expect(results.filter(({ source }) => source === 'keyframe')).toHaveLength(1);
});

test('new instances join under the next ids, and those before keep theirs', async () => {
  const scene = squaresAt([0, 99], [4, 99]);
  const session = open({ scene, options: { keyframes: adaptive } });
  session.inputs.prompt(phrase(3)).frames(12).end();
  const { events, results } = await readAll(session);
  expect(events.find(({ kind }) => kind === 'ack')).toMatchObject({ objectIds: [5] });
  expect(shownIds(results)).toEqual(results.map((_, i) => (i < 8 ? [5] : [5, 6])));
  expect(maskIou(maskOf(results[11], 5), trueMask(scene, 11, 1))).toBeGreaterThan(0.9);
  expect(maskIou(maskOf(results[11], 6), trueMask(scene, 11, 2))).toBeGreaterThan(0.8);
});

test('pauses grow while nothing is found', async () => {
  const looks: number[] = [];
  const session = open({ scene: squaresAt([70, 99]), options: { keyframes: adaptive } });
  session.segmenter.hooks.encode = (frameIndex) => void looks.push(frameIndex);
  session.inputs.prompt(phrase(1)).frames(60).end();
  await readAll(session);
  expect(looks).toEqual([0, 8, 24, 56]);
});

test('a search is over when its ids are taken', async () => {
  const looks: number[] = [];
  const session = open({ scene: squaresAt([0, 99], [4, 99]) });
  session.segmenter.hooks.encode = (frameIndex) => void looks.push(frameIndex);
  session.inputs.prompt(phrase(1)).frames(12).end();
  const { results } = await readAll(session);
  expect(shownIds(results)).toEqual(results.map(() => [5]));
  expect(new Set(looks)).toEqual(new Set([0, 5, 10]));
});

test('what is followed already is not found again, whoever named it', async () => {
  const session = open({ scene: squaresAt([0, 99], [4, 99]), options: { keyframes: adaptive } });
  session.inputs.frames(1);
  session.inputs.prompt(prompt(1, 0, click(12, 25)));
  await readUntil(session, isMasks(0));
  const text = { phrase: 'square', firstObjectId: 5, maxObjects: 2 };
  session.inputs
    .prompt(prompt(5, 1, { text }))
    .frames(12)
    .end();
  const { results } = await readAll(session);
  expect(shownIds(results).at(-1)).toEqual([1, 5]);
});

test.each([
  // The look on frame 10 sees it again before any keyframe has.
  ['on a look', 9, undefined],
  ['between looks', 12, adaptive],
] as const)(
  'an instance that was hidden and is seen %s comes back under its id',
  async (_when, back, keyframes) => {
    const scene: Scene = {
      ...twoSquares,
      squares: (frameIndex) =>
        frameIndex >= 2 && frameIndex < back ? [] : twoSquares.squares().slice(0, 1),
    };
    const session = open({ scene, ...(keyframes && { options: { keyframes } }) });
    session.inputs.prompt(phrase(3)).frames(30).end();
    const { results } = await readAll(session);
    expect(shownIds(results)[5]).toEqual([]);
    expect(shownIds(results).at(-1)).toEqual([5]);
    // Nor is there a second one that yields to it.
    expect(results.at(-1)?.objects).toHaveLength(1);
  },
);

test('REMOVE of any id of its range ends a search, and gives the others back', async () => {
  const session = open({ scene: squaresAt([0, 99], [4, 99]), options: { keyframes: adaptive } });
  session.inputs
    .prompt(phrase(3))
    .prompt(prompt(7, 2, { action: 'remove' }))
    .frames(3);
  const before = await readUntil(session, isMasks(2));
  expect(before.filter(({ kind }) => kind === 'ack')).toMatchObject([
    { objectIds: [5] },
    { objectIds: [7] },
  ]);
  session.inputs
    .prompt(prompt(6, 5, click(54, 36)))
    .frames(20)
    .end();
  const { results, events } = await readAll(session);
  expect(events.filter(({ kind }) => kind === 'prompt-error')).toEqual([]);
  expect(results.find(({ frameIndex }) => frameIndex === 5)?.objects[1]?.label).toBeNull();
  expect(shownIds(results).at(-1)).toEqual([5, 6]);
});

test('an id that a search may still take is in use, and is not alive', async () => {
  const session = open({ scene: squaresAt([0, 99]) });
  session.inputs.prompt(phrase(3)).frames(1);
  await readUntil(session, isMasks(0));
  session.inputs
    .prompt(prompt(6, 1, click(54, 36)))
    .prompt(prompt(7, 1, { ...click(54, 36), action: 'refine' }))
    .frames(1)
    .end();
  const { events } = await readAll(session);
  expect(events.filter(({ kind }) => kind === 'prompt-error')).toMatchObject([
    { code: 'duplicate-object' },
    { code: 'unknown-object' },
  ]);
});

test('open ids count as no objects, and a full stream finds no more', async () => {
  const scene = squaresAt([0, 99], [4, 99]);
  const limits = { maxObjects: 3 };
  const session = open({ scene, limits, options: { keyframes: adaptive } });
  session.inputs.prompt(phrase(3)).frames(1);
  await readUntil(session, isMasks(0));
  for (const id of [1, 2]) session.inputs.prompt(prompt(id, 1, click(12, 25)));
  session.inputs
    .prompt(prompt(3, 2, click(12, 25)))
    .frames(20)
    .end();
  const { results, events } = await readAll(session);
  expect(events.filter(({ kind }) => kind === 'prompt-error')).toMatchObject([
    { code: 'too-many-objects' },
  ]);
  expect(results.at(-1)?.objects.map(({ objectId }) => objectId)).toEqual([1, 2, 5]);
});

test('a correction before a find leaves its id and its mask as they were', async () => {
  const scene = squaresAt([0, 99], [4, 99]);
  const session = open({ scene, options: { keyframes: adaptive } });
  session.inputs.prompt(phrase(2)).frames(10);
  const before = await readUntil(session, isMasks(9));
  session.inputs.prompt(prompt(5, 7, { ...click(12, 25), action: 'refine' })).end();
  const after = newestRevisions((await readAll(session)).results);
  const first = before.flatMap((event) => (event.kind === 'masks' ? [event.result] : []));
  expect(after.get(9)?.revision).toBe(1);
  expect(maskOf(after.get(9), 6)).toEqual(maskOf(first[9], 6));
});

test('LATEST: later frames leave while a phrase is looked for, and its masks are carried', async () => {
  const scene: Scene = {
    ...movingSquare,
    squares: (frameIndex) => (frameIndex < 3 ? [] : movingSquare.squares(frameIndex)),
  };
  const options = { delivery: 'latest', keyframes: adaptive } as const;
  const session = open({ scene, options });
  let release: () => void = Boolean;
  const held = new Promise<void>((resolve) => (release = resolve));
  session.segmenter.hooks.encode = (frameIndex) => (frameIndex === 8 ? held : undefined);
  session.inputs.prompt(phrase(1));
  for (let frameIndex = 0; frameIndex < 12; frameIndex++) {
    session.inputs.frames(1);
    const [masks] = (await readUntil(session, isMasks(frameIndex))).slice(-1);
    expect(masks).toMatchObject({ result: { objects: [] } });
  }
  release();
  const results: FrameResult[] = [];
  for (let frameIndex = 12; results.at(-1)?.objects.length !== 1; frameIndex++) {
    session.inputs.frames(1);
    const read = await readUntil(session, isMasks(frameIndex));
    results.push(...read.flatMap((event) => (event.kind === 'masks' ? [event.result] : [])));
  }
  session.inputs.end();
  await readAll(session);
  const first = firstShown(results, 5);
  expect(first).toMatchObject({ source: 'propagated', keyframeIndex: 8 });
  const truth = trueMask(scene, first!.frameIndex, 1);
  expect(maskIou(maskOf(first, 5), truth)).toBeGreaterThan(0.8);
});
