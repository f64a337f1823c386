import { imageMessage } from '../../core/requests.ts';
import { FrameMasks, MaskSource } from '../../../src/gen/maskstream/v1/video_response.ts';
import { SegmentImageRequest, SegmentImageResponse } from '../../../src/gen/maskstream/v1/image.ts';
import type { FromWorker, PagePrompt } from '../messages.ts';
import type { Display } from './display.ts';
import { toPromptOptions } from './page-prompts.ts';
import type { Run } from './run.ts';
import { callOnce, type ServerAccess } from './socket-call.ts';

/** What a run of one picture is made of. */
export type ImageRunParts = {
  readonly file: File;
  readonly access: ServerAccess;
  readonly display: Display;
  readonly post: (message: FromWorker) => void;
};

/**
 * Segments one picture: each prompt asks again with all prompts so far, so that objects are refined
 * and removed as in a video.
 */
export async function startImageRun(parts: ImageRunParts): Promise<Run> {
  const { file, display, post } = parts;
  const picture = await createImageBitmap(file).catch(() => null);
  if (picture === null) {
    throw new Error(
      'expected a JPEG, PNG or WebP picture, got a file that this browser cannot show',
    );
  }
  const size = { width: picture.width, height: picture.height };
  const image = new Uint8Array(await file.arrayBuffer());
  const objects = new Map<number, PagePrompt>();
  let revision = 0;
  display.resize(size);
  display.add(answer([], revision), picture);

  const ask = async (requestId: number, prompt: PagePrompt) => {
    merge(objects, prompt);
    try {
      const response = await segment(parts, image, [...objects.values()], size);
      display.add(answer(response.objects, ++revision), null);
      const objectIds = response.objects.map(({ objectId }) => objectId);
      post({ kind: 'acknowledged', requestId, objectIds });
    } catch (error) {
      objects.delete(prompt.objectId);
      const message = error instanceof Error ? error.message : String(error);
      post({ kind: 'refused', requestId, message });
    }
  };
  post({ kind: 'phase', phase: 'running', message: file.name });
  return {
    prompt: (requestId, prompt) => void ask(requestId, prompt),
    pause: () => undefined,
    stop: () => undefined,
  };
}

async function segment(
  { access }: ImageRunParts,
  image: Uint8Array,
  prompts: readonly PagePrompt[],
  size: { readonly width: number; readonly height: number },
): Promise<SegmentImageResponse> {
  if (prompts.length === 0) return SegmentImageResponse.fromPartial({});
  const request = imageMessage({
    image,
    prompts: prompts.map((prompt) => {
      const { objectId, points, box, mask, label } = toPromptOptions(prompt, size);
      return {
        objectId,
        ...(points === undefined ? {} : { points }),
        ...(box === undefined ? {} : { box }),
        ...(mask === undefined ? {} : { mask }),
        ...(label === undefined ? {} : { label }),
        ...(prompt.text === null
          ? {}
          : { text: prompt.text.phrase, maxObjects: prompt.text.maxObjects }),
      };
    }),
  });
  const bytes = await callOnce(
    access,
    'SegmentImage',
    SegmentImageRequest.encode(request).finish(),
  );
  return SegmentImageResponse.decode(bytes);
}

/** Prompts of an object so far, as one. */
function merge(objects: Map<number, PagePrompt>, prompt: PagePrompt): void {
  const { objectId, action } = prompt;
  const earlier = objects.get(objectId);
  if (action === 'remove') objects.delete(objectId);
  else if (action === 'refine' && earlier !== undefined) {
    objects.set(objectId, {
      ...earlier,
      points: [...earlier.points, ...prompt.points],
      box: prompt.box ?? earlier.box,
      mask: prompt.mask ?? earlier.mask,
    });
  } else objects.set(objectId, prompt);
}

/** An image's answer as frame 0 of a video. */
function answer(objects: SegmentImageResponse['objects'], revision: number): FrameMasks {
  return FrameMasks.fromPartial({
    frameIndex: 0,
    source: MaskSource.MASK_SOURCE_KEYFRAME,
    revision,
    objects,
  });
}
