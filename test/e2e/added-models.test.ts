import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FrameMasks, PromptOptions, StreamSummary } from '../../clients/typescript/index.ts';
import { writeManifest } from '../../src/inference/recognition/write-manifest.ts';
import { writeConceptModel } from '../fixtures/concept-model.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { writePublicExport } from '../fixtures/public-names.ts';
import { runStream } from '../fixtures/run-stream.ts';
import { box, clicked, everyFrame, frames, shortVideo } from '../fixtures/short-stream.ts';
import { writeSmallModel } from '../fixtures/small-models.ts';
import { writeStackedGraphs } from '../fixtures/stacked-model.ts';
import { startServer } from '../fixtures/start-server.ts';
import type { ToyFolder } from '../fixtures/toy-model.ts';

/*
 * Graphs under the names of public exports, the manifest that `models add` writes for them, and a
 * stream through the whole service. Weights are random or none: what is looked at is that every kind of
 * prompt is answered on every frame, and that memory makes a difference.
 */

const config = everyFrame(4);
const boxed: PromptOptions = { objectId: 2, box };

/** The manifest as it is written, but for the self-test: random weights find no ellipse. */
async function add(folder: ToyFolder): Promise<void> {
  const { directory } = folder;
  const { manifest } = await writeManifest(directory, { name: 'added', licence: 'MIT' });
  const lenient = { ...manifest, selfTest: { ...manifest.selfTest, minIou: 0 } };
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(lenient));
}

async function conceptGraphs(kind: 'usls' | 'samexporter'): Promise<ToyFolder> {
  const folder = await writeConceptModel(kind);
  await rm(join(folder.directory, 'manifest.json'));
  return folder;
}

test.each([
  ['V1', () => writePublicExport('sam2', 'repeat-newest')],
  ['V2, SAM 2.1', () => writePublicExport('sam2', 'dynamic')],
  ['V2, SAM 3', () => writePublicExport('sam3', 'dynamic')],
  ['V3', () => writeStackedGraphs()],
  ['V4', () => writePublicExport('edgetam', 'masked-slots')],
] as const)('%s is added and served with its memory', async (_name, write) => {
  await using folder = await write();
  await add(folder);
  await using system = await startServer({}, folder.directory);
  const run = async (prompts: readonly PromptOptions[]) => {
    const stream = system.client.segmentVideo(config);
    const outcome = await runStream(stream, await shortVideo(), prompts);
    expect(outcome.failure).toBeNull();
    expect(outcome.summary).toMatchObject({ framesOut: frames, framesDropped: 0 });
    expect(outcome.acks.every(({ status }) => status === 'fulfilled')).toBe(true);
    return outcome.frames;
  };
  const answers = await run([clicked, boxed]);
  expect(answers.map(({ objects }) => objects.map(({ objectId }) => objectId))).toEqual(
    Array.from({ length: frames }, () => [1, 2]),
  );
  // Two objects that began differently stay two: each has a memory of its own.
  const last = answers.at(-1)!.objects;
  expect(last[0]!.predictedIou).toBeDefined();
  const given = await run([{ objectId: 3, mask: answers[0]!.objects[1]!.mask! }]);
  expect(given[0]!.objects[0]!.area).toBe(answers[0]!.objects[1]!.area);
  await system.settled();
  expect(system.errors).toEqual([]);
});

test.each(['usls', 'samexporter'] as const)(
  'SAM 3 with phrases (%s) is added and served',
  async (kind) => {
    await using folder = await conceptGraphs(kind);
    await add(folder);
    await using system = await startServer({}, folder.directory);
    const stream = system.client.segmentVideo(config);
    const phrase: PromptOptions = { objectId: 5, text: { phrase: 'visual', maxObjects: 2 } };
    const { failure, frames: answers } = await runStream(stream, await shortVideo(), [
      phrase,
      boxed,
    ]);
    expect(failure).toBeNull();
    expect(answers).toHaveLength(frames);
    expect(answers.at(-1)!.objects.map(({ objectId }) => objectId)).toContain(2);
    await system.settled();
    expect(system.errors).toEqual([]);
  },
);

test('memory works in LATEST, whatever is dropped: later keyframes rest on it, and nothing is left', async () => {
  await using folder = await writeSmallModel('sam2');
  await using system = await startServer({}, folder.directory);
  const live = { ...config, delivery: 'latest' as const, keyframes: { fixedInterval: 2 } };
  const stream = system.client.segmentVideo(live);
  const asked = [clicked, boxed].map((prompt) => stream.prompt(prompt));
  const long = { encode: encoders.h264, extension: 'ts', size: '160x120', frames: 60 };
  const clip = await readFile(await makeClip(long));
  const parts = [0, 1, 2, 3].map((i) =>
    clip.subarray((i * clip.length) / 4, ((i + 1) * clip.length) / 4),
  );
  const answers: FrameMasks[] = [];
  await stream.sendChunk(parts.shift()!);
  let summary: StreamSummary | null = null;
  for await (const result of stream) {
    if (result.kind === 'summary') ({ summary } = result);
    if (result.kind !== 'masks') continue;
    answers.push(result.masks);
    // The next part comes when one of this is answered: there is always something to drop.
    const part = parts.shift();
    if (part === undefined) stream.end();
    else await stream.sendChunk(part);
  }
  await Promise.all(asked);
  const { framesIn, framesOut, framesDropped, keyframes } = summary!;
  expect({ framesIn, sum: framesOut + framesDropped }).toEqual({ framesIn: 60, sum: 60 });
  expect(keyframes).toBeGreaterThan(1);
  const indices = answers.map(({ frameIndex }) => frameIndex);
  expect(indices).toEqual(indices.toSorted((a, b) => a - b));
  // Masks that descend from a keyframe without prompts: memory alone made them.
  const first = answers.find(({ objects }) => objects.length > 0)!;
  const later = answers.filter(({ keyframeIndex }) => (keyframeIndex ?? -1) > first.frameIndex);
  expect(later.length).toBeGreaterThan(0);
  expect(later.at(-1)!.objects.map(({ objectId }) => objectId)).toEqual([1, 2]);
  await system.settled();
  expect(system.errors).toEqual([]);
});
