import { expect, test } from 'vitest';
import {
  NoticeKind,
  type FrameMasks,
  type PromptOptions,
  type ResumeState,
} from '../../clients/typescript/index.ts';
import { writeConceptModel } from '../fixtures/concept-model.ts';
import { foreignModels } from '../fixtures/foreign-exports.ts';
import { writeForeignModel } from '../fixtures/foreign-models.ts';
import { runStream } from '../fixtures/run-stream.ts';
import { box, clicked, everyFrame, frames, shortVideo } from '../fixtures/short-stream.ts';
import { writeSmallModel } from '../fixtures/small-models.ts';
import { startServer, type TestServer } from '../fixtures/start-server.ts';

/*
 * Models of others through the whole service: a socket, ffmpeg, the pipeline. Their weights are
 * random or none, so masks are compared with each other and not with a truth.
 */

const config = everyFrame(5);

/** The newest answer of each frame. */
function newest(answers: readonly FrameMasks[]): FrameMasks[] {
  const byFrame = new Map<number, FrameMasks>();
  for (const answer of answers) {
    const before = byFrame.get(answer.frameIndex);
    if (before === undefined || answer.revision >= before.revision) {
      byFrame.set(answer.frameIndex, answer);
    }
  }
  return [...byFrame.values()].toSorted((a, b) => a.frameIndex - b.frameIndex);
}

/** Masks alone: what two runs that came to the same end share. */
function masksOf(answers: readonly FrameMasks[]): unknown[] {
  return newest(answers).map(({ frameIndex, objects }) => ({
    frameIndex,
    objects: objects.map(({ objectId, area, mask }) => ({ objectId, area, mask })),
  }));
}

function areas(answers: readonly FrameMasks[]): number[] {
  return answers.map(({ objects }) => objects[0]!.area);
}

async function run(system: TestServer, prompts: readonly PromptOptions[], more = {}) {
  const stream = system.client.segmentVideo({ ...config, ...more });
  const outcome = await runStream(stream, await shortVideo(), prompts);
  expect(outcome.failure).toBeNull();
  expect(outcome.summary).toMatchObject({ framesOut: frames, framesDropped: 0 });
  expect(outcome.acks.map(({ status }) => status)).toEqual(prompts.map(() => 'fulfilled'));
  return outcome.frames;
}

test.each(Object.keys(foreignModels))(
  '%s serves a stream with clicks, masks and a correction',
  async (name) => {
    await using folder = await writeForeignModel(name);
    await using system = await startServer({}, folder.directory);
    const answers = await run(system, [
      clicked,
      { ...clicked, action: 'refine', at: { frameIndex: 10 } },
    ]);
    expect(answers).toHaveLength(frames);
    const first = answers[0]!.objects[0]!;
    expect(first.area).toBeGreaterThan(0);
    // What a mask prompt says is answered as it came, and decoded from there on.
    const given = await run(system, [{ objectId: 2, mask: first.mask! }]);
    expect(given[0]!.objects[0]!.area).toBe(first.area);
    await system.settled();
    expect(system.errors).toEqual([]);
  },
);

test.each(['usls', 'samexporter'] as const)(
  'SAM 3 for pictures (%s): a phrase finds all instances, each an object that keeps its id',
  async (kind) => {
    await using folder = await writeConceptModel(kind);
    await using system = await startServer({}, folder.directory);
    const answers = await run(system, [
      { objectId: 5, text: { phrase: 'visual', maxObjects: 2 } },
      { ...clicked, objectId: 9 },
    ]);
    const ids = answers.at(-1)!.objects.map(({ objectId }) => objectId);
    expect(ids).toEqual([5, 6, 9]);
    expect(answers[0]!.objects.map(({ objectId }) => objectId)).toEqual(ids);
    await system.settled();
    expect(system.errors).toEqual([]);
  },
);

test.each([
  ['sam2', 'dynamic'],
  ['sam2', 'repeat-newest'],
  ['edgetam', 'masked-slots'],
  ['sam3', 'dynamic'],
] as const)('%s with its memory (%s) serves a stream, twice the same', async (family, variant) => {
  await using folder = await writeSmallModel(family, { variant });
  await using system = await startServer({}, folder.directory);
  const prompts = [clicked, { objectId: 2, box }];
  const once = await run(system, prompts);
  expect(masksOf(await run(system, prompts))).toEqual(masksOf(once));
  expect(once.at(-1)!.objects.map(({ objectId }) => objectId)).toEqual([1, 2]);
  // Where the memory begins with another prompt, later keyframes differ: they rest on it.
  const other = await run(system, [{ ...clicked, points: [{ x: 40, y: 90, label: 'positive' }] }]);
  expect(areas(other).slice(5)).not.toEqual(areas(once).slice(5));
  await system.settled();
  expect(system.errors).toEqual([]);
});

test('a correction in the past makes the memory again from its frame on', async () => {
  await using folder = await writeSmallModel('sam2');
  await using system = await startServer({}, folder.directory);
  const correction: PromptOptions = {
    objectId: 1,
    action: 'refine',
    points: [{ x: 110, y: 30, label: 'positive' }],
    at: { frameIndex: 3 },
  };
  const inTime = await run(system, [clicked, correction]);
  const without = await run(system, [clicked]);
  expect(masksOf(inTime).slice(5)).not.toEqual(masksOf(without).slice(5));

  const stream = system.client.segmentVideo(config);
  void stream.prompt(clicked);
  await stream.sendChunk(await shortVideo());
  const answers: FrameMasks[] = [];
  let corrected: Promise<unknown> | null = null;
  for await (const result of stream) {
    if (result.kind !== 'masks') continue;
    answers.push(result.masks);
    if (result.masks.frameIndex >= 12 && corrected === null) {
      corrected = stream.prompt(correction).then(() => stream.end());
    }
  }
  await corrected;
  expect(answers.some(({ revision }) => revision > 0)).toBe(true);
  expect(masksOf(answers)).toEqual(masksOf(inTime));
});

test('a resumed stream makes the memory again from its last masks', async () => {
  await using folder = await writeSmallModel('sam2');
  await using system = await startServer({}, folder.directory);
  let state: ResumeState | undefined;
  {
    await using old = await startServer({}, folder.directory);
    const stream = old.client.segmentVideo(config);
    void stream.prompt(clicked);
    await stream.sendChunk(await shortVideo());
    let drained: Promise<void> | null = null;
    for await (const result of stream) {
      if (result.kind === 'masks' && result.masks.frameIndex >= 3) {
        drained ??= old.server.drain({ graceMs: 30_000 });
      }
      if (result.kind === 'notice' && result.notice.kind === NoticeKind.NOTICE_KIND_GOING_AWAY) {
        state = result.notice.resume;
        stream.end();
      }
    }
    await drained;
  }
  // Masks and states alone: a memory would be a hundred times as large.
  expect(JSON.stringify(state).length).toBeLessThan(20_000);
  const answers = await run(system, [], { resume: state });
  expect(answers[0]!.objects[0]).toMatchObject({ objectId: 1 });
  // The keyframe after it is answered by what was made of that mask.
  const last = answers.at(-1)!.objects[0]!;
  expect(last.objectId).toBe(1);
  await system.settled();
  expect(system.errors).toEqual([]);
});

test('a killed worker takes no memory with it', async () => {
  await using folder = await writeSmallModel('sam2');
  await using system = await startServer({}, folder.directory);
  const undisturbed = await run(system, [clicked]);
  const stream = system.client.segmentVideo(config);
  void stream.prompt(clicked);
  await stream.sendChunk(await shortVideo());
  const answers: FrameMasks[] = [];
  let killed: Promise<void> | null = null;
  for await (const result of stream) {
    if (result.kind !== 'masks') continue;
    answers.push(result.masks);
    if (result.masks.frameIndex >= 7 && killed === null) {
      killed = system.killModelWorker();
      await killed;
      stream.end();
    }
  }
  expect(masksOf(answers)).toEqual(masksOf(undisturbed));
});
