import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { FrameMasks, PromptOptions, VideoConfig } from '../../clients/typescript/index.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { runStream } from '../fixtures/run-stream.ts';
import { writeSmallModel } from '../fixtures/small-models.ts';
import { startService, type RunningService } from '../fixtures/start-service.ts';

/* A model's parts on workers of their own, through the whole service: the CPU stands for each card. */

const config: VideoConfig = {
  container: 'mpeg-ts',
  delivery: 'every-frame',
  keyframes: { fixedInterval: 5 },
};
const prompts: PromptOptions[] = [
  { objectId: 1, points: [{ x: 80, y: 60, label: 'positive' }] },
  { objectId: 2, box: { x: 30, y: 20, width: 90, height: 80 } },
];

async function masks({ client }: RunningService): Promise<unknown> {
  const clip = await makeClip({
    encode: encoders.h264,
    extension: 'ts',
    size: '160x120',
    frames: 12,
  });
  const { failure, frames } = await runStream(
    client.segmentVideo(config),
    await readFile(clip),
    prompts,
  );
  expect(failure).toBeNull();
  return frames.map(({ frameIndex, objects }: FrameMasks) => ({
    frameIndex,
    objects: objects.map(({ objectId, mask }) => ({ objectId, mask })),
  }));
}

test.each([
  ['maskstream-tiny', 'encoder=cpu*2,decoder=cpu*2,text=cpu,refiner=cpu*2'],
  ['sam2', 'encoder=cpu,decoder=cpu,memory=cpu'],
])('%s placed as %s answers as in one worker', async (name, placement) => {
  await using folder = name === 'sam2' ? await writeSmallModel('sam2') : null;
  const model = { MASKSTREAM_MODEL: folder?.directory ?? name };
  let together: unknown;
  {
    await using system = await startService(model);
    together = await masks(system);
  }
  await using system = await startService({ ...model, MASKSTREAM_PLACEMENT: placement });
  const models = await system.client.listModels();
  expect(models[0]!.provider).toMatch(/^encoder cpu(?:\*2)?, decoder cpu/);
  // Streams beside each other share the workers; each gets what one alone does.
  const [one, other] = await Promise.all([masks(system), masks(system)]);
  expect(one).toEqual(together);
  expect(other).toEqual(together);
});

test('a placement that cannot be had ends the start with what there is', async () => {
  await expect(startService({ MASKSTREAM_PLACEMENT: 'decoder=cuda:1' })).rejects.toThrow(
    /bundled: cpu.*got "cuda:1"/,
  );
  await expect(startService({ MASKSTREAM_PLACEMENT: 'memory=cpu' })).rejects.toThrow(
    'expected parts of maskstream-tiny (encoder, decoder, text, refiner), got memory',
  );
});
