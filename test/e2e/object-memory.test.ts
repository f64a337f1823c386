import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  ObjectState,
  type PromptOptions,
  type ResumeState,
  type VideoConfig,
} from '../../clients/typescript/index.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { readToEnd, runStream } from '../fixtures/run-stream.ts';
import { writeSmallModel } from '../fixtures/small-models.ts';
import { startService, type RunningService } from '../fixtures/start-service.ts';

/* What a model keeps of objects is bounded over all streams of a server: 1 MiB here. */

const config: VideoConfig = {
  container: 'mpeg-ts',
  delivery: 'every-frame',
  keyframes: { fixedInterval: 5 },
};
const frames = 12;

function add(objectId: number): PromptOptions {
  return { objectId, points: [{ x: 20 + 3 * objectId, y: 60, label: 'positive' }] };
}

async function video(): Promise<Buffer> {
  const clip = await makeClip({ encode: encoders.h264, extension: 'ts', size: '160x120', frames });
  return await readFile(clip);
}

const clicks = (count: number): PromptOptions[] =>
  Array.from({ length: count }, (_, i) => add(i + 1));

/** A whole stream: which of its prompts were taken, and what the others were told. */
async function run({ client }: RunningService, prompts: readonly PromptOptions[]) {
  const outcome = await runStream(client.segmentVideo(config), await video(), prompts);
  expect(outcome.failure).toBeNull();
  const refused = outcome.acks.filter((ack) => ack.status === 'rejected');
  return {
    taken: prompts.length - refused.length,
    refusals: refused.map(({ reason }) => reason as Error),
  };
}

test('objects of all streams share the memory; a refusal says how many fit; what ends makes room', async () => {
  await using folder = await writeSmallModel('sam2');
  await using system = await startService({
    MASKSTREAM_MODEL: folder.directory,
    MASKSTREAM_OBJECT_MEMORY_MB: '1',
  });
  const alone = await run(system, clicks(14));
  // 64 tokens x 64 values of bfloat16 in ten maps, and pointers: 0.1 MiB an object.
  expect(alone.taken).toBe(10);
  expect(alone.refusals[0]).toMatchObject({
    code: 'too-many-objects',
    message: expect.stringMatching(
      /up to 0\.1 MiB of each object, and this server 1 MiB .* at most 0 more, got 1/,
    ),
  });
  // That stream is over, so all of it is free: another one takes it, and goes on.
  const held = system.client.segmentVideo(config);
  const reading = readToEnd(held);
  const asked = clicks(10).map((prompt) => held.prompt(prompt));
  await held.sendChunk(await video());
  await Promise.all(asked);
  const beside = await run(system, clicks(1));
  expect(beside).toMatchObject({ taken: 0, refusals: [{ code: 'too-many-objects' }] });
  await Promise.all(
    [1, 2, 3, 4].map((objectId) =>
      held.prompt({ objectId, action: 'remove', at: { frameIndex: 3 } }),
    ),
  );
  expect(await run(system, clicks(6))).toMatchObject({ taken: 4 });
  held.end();
  await reading;
  expect(await run(system, clicks(12))).toMatchObject({ taken: 10 });
});

test('a stream that is resumed where there is no room ends with what would fit', async () => {
  await using folder = await writeSmallModel('sam2');
  await using system = await startService({
    MASKSTREAM_MODEL: folder.directory,
    MASKSTREAM_OBJECT_MEMORY_MB: '1',
  });
  const resume: ResumeState = {
    objects: Array.from({ length: 11 }, (_, i) => ({
      objectId: i + 1,
      label: '',
      state: ObjectState.OBJECT_STATE_OCCLUDED,
      mask: undefined,
      reference: undefined,
    })),
    removedObjectIds: [],
    at: undefined,
    searches: [],
  };
  const stream = system.client.segmentVideo({ ...config, resume });
  const { failure } = await runStream(stream, await video());
  expect(failure).toMatchObject({ status: 'RESOURCE_EXHAUSTED', code: 'too-many-objects' });
  expect(failure!.message).toContain('expected at most 10 more, got 11');
  expect(await run(system, clicks(10))).toMatchObject({ taken: 10 });
});
