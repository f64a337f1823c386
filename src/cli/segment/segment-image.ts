import { SegmentationError, usageError } from '../../frame/errors.ts';
import { sameSize } from '../../frame/geometry.ts';
import { readFile } from 'node:fs/promises';
import type { Output } from '../../formats/answered-frame.ts';
import type { PlannedPrompt } from '../../calls/planned-prompt.ts';
import { decodeObject } from '../../calls/decode-answer.ts';
import type { Input, InputSource } from './inputs.ts';
import type { InputJob } from './segment-job.ts';
import { toWireMask } from '../../calls/wire-mask.ts';
import { regionArea } from './video-config.ts';

/** Segments one image into `output` as frame 0, which the caller closes. */
export async function segmentImage(
  input: Extract<Input, { kind: 'image' }>,
  output: Output,
  { args, client, prompts, size, io, progress }: InputJob,
): Promise<void> {
  const model = args.texts.get('model');
  const answer = await client.segmentImage(
    {
      image: await readImage(input.source),
      prompts: prompts.map(toImagePrompt),
      ...regionArea(args),
      ...(args.texts.has('server') && model !== undefined ? { model } : {}),
    },
    { signal: io.signal },
  );
  const { width, height } = answer;
  if (size !== null && !sameSize(size, answer)) {
    const sizes = `${size.width} x ${size.height}, got ${width} x ${height}`;
    throw new SegmentationError('size-mismatch', `${input.name}: labels are for ${sizes}`);
  }
  await output.open({ width, height, model: answer.model, frameRate: null });
  await output.write({
    size: { width, height },
    frameIndex: 0,
    timestampUs: 0,
    source: 'keyframe',
    reason: 'prompt',
    keyframeIndex: 0,
    framesDroppedBefore: 0,
    totalUs: 0,
    captureTimestampUs: null,
    objects: answer.objects.map((object) => decodeObject(object, { width, height })),
  });
  progress.frame();
  progress.end(`${answer.objects.length} objects`);
}

async function readImage(source: InputSource): Promise<Uint8Array> {
  if (source.kind === 'file') return await readFile(source.path);
  const parts: Uint8Array[] = [];
  for await (const part of source.chunks) parts.push(part);
  return Buffer.concat(parts);
}

function toImagePrompt({ at, action, objectId, prompts, text, label }: PlannedPrompt) {
  if (at.kind !== 'frame' || at.frameIndex !== 0 || action !== 'add') {
    throw usageError('expected prompts that add objects on frame 0 for an image, got others');
  }
  return {
    objectId,
    points: prompts.points,
    ...(prompts.box === null ? {} : { box: prompts.box }),
    ...(prompts.mask === null ? {} : { mask: toWireMask(prompts.mask) }),
    ...(text === null
      ? {}
      : {
          text: text.phrase,
          maxObjects: text.maxObjects,
          ...(text.minScore === undefined ? {} : { minScore: text.minScore }),
        }),
    ...(label === null ? {} : { label }),
  };
}
