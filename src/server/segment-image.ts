import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { SegmentationError } from '../frame/errors.ts';
import type { PromptUpdate } from '../frame/prompt.ts';
import type {
  ImagePrompt,
  SegmentImageRequest,
  SegmentImageResponse,
} from '../gen/maskstream/v1/image.ts';
import type { FrameResult, SessionInput, SessionOptions } from '../pipeline/session-types.ts';
import { linkCallSignal } from './call-signal.ts';
import {
  checkMaskEncoding,
  checkOverlap,
  decodeKeyframes,
  findModel,
} from './requests/config-decoder.ts';
import { statusOfError, statusOfErrorCode } from './error-status.ts';
import {
  checkContent,
  checkLabel,
  checkObjectId,
  decodePrompts,
  decodeText,
  type PromptContext,
} from './requests/prompt-decoder.ts';
import { encodeObject } from './responses/response-encoder.ts';
import { sessionLimits } from './server-limits.ts';
import type { ServerContext } from './server-options.ts';

type ImageCall = ServerUnaryCall<SegmentImageRequest, SegmentImageResponse>;

/** Serves one SegmentImage call: a session of one picture; never throws. */
export async function segmentImage(
  call: ImageCall,
  respond: sendUnaryData<SegmentImageResponse>,
  context: ServerContext,
): Promise<void> {
  try {
    using place = context.calls.enter();
    using callSignal = linkCallSignal(call, context.calls.shutdown);
    context.log.info({ call: place.id, peer: call.getPeer() }, 'image opened');
    respond(null, await answer(call.request, callSignal.signal, context));
  } catch (reason) {
    const error = SegmentationError.from(reason);
    const ours = statusOfErrorCode[error.code] === statusOfErrorCode.internal;
    context.log[ours ? 'error' : 'info']({ code: error.code, err: error }, 'image refused');
    respond(statusOfError(error));
  }
}

async function answer(
  request: SegmentImageRequest,
  signal: AbortSignal,
  { models, limits, sessions }: ServerContext,
): Promise<SegmentImageResponse> {
  const model = findModel(request.model, models);
  const maskEncoding = checkMaskEncoding(request.maskEncoding);
  const updates = decodeImagePrompts(request.prompts, {
    model,
    limits: { ...limits, maxFramePixels: limits.maxImagePixels },
  });
  const options: SessionOptions = {
    container: 'mjpeg',
    delivery: 'every-frame',
    overlap: checkOverlap(request.overlap),
    keyframes: decodeKeyframes(undefined, model),
    frameRate: 1,
    expectedSize: { width: null, height: null },
    maskLongSide: null,
    resume: [],
    limits: sessionLimits(limits),
    signal,
    goingAway: null,
  };
  let size = { width: 0, height: 0 };
  let frame: FrameResult | null = null;
  let refusal: SegmentationError | null = null;
  for await (const event of sessions.openImage(feed(request.image, updates), options, model)) {
    if (event.kind === 'info') size = event.format.display;
    if (event.kind === 'masks') frame = event.result;
    // Where the picture is at fault, the session throws once it has refused the prompts too.
    if (event.kind === 'prompt-error') refusal ??= new SegmentationError(event.code, event.message);
  }
  if (refusal !== null) throw refusal;
  if (frame === null) throw new SegmentationError('undecodable-image', 'image holds no picture');
  const objects = frame.objects.map((object) => encodeObject(object, maskEncoding));
  return { ...size, model: model.name, objects };
}

// eslint-disable-next-line typescript/require-await -- a session takes an AsyncIterable
async function* feed(
  image: Uint8Array,
  updates: readonly PromptUpdate[],
): AsyncGenerator<SessionInput, void, undefined> {
  for (const update of updates) yield { kind: 'prompt', update };
  yield { kind: 'chunk', data: image, captureTimestampUs: null };
  yield { kind: 'end-of-video' };
}

function decodeImagePrompts(
  prompts: readonly ImagePrompt[],
  context: PromptContext,
): readonly PromptUpdate[] {
  if (prompts.length === 0) {
    throw new SegmentationError('invalid-prompt', 'prompts must hold one or more, got none');
  }
  return prompts.map((prompt, requestId) => decodeImagePrompt(prompt, requestId, context));
}

function decodeImagePrompt(
  prompt: ImagePrompt,
  requestId: number,
  context: PromptContext,
): PromptUpdate {
  const { text: phrase, objectId, maxObjects, minScore } = prompt;
  const text =
    phrase === undefined
      ? null
      : decodeText({ phrase, firstObjectId: objectId, maxObjects, minScore }, objectId, context);
  const prompts = decodePrompts(prompt, context);
  checkContent({ action: 'add', prompts, text });
  return {
    requestId,
    objectId: checkObjectId(objectId),
    action: 'add',
    at: { kind: 'next' },
    prompts,
    text,
    label: checkLabel(prompt.label),
  };
}
