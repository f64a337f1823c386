import type { sendUnaryData } from '@grpc/grpc-js';
import { SegmentationError } from '../frame/errors.ts';
import type { PromptUpdate } from '../frame/prompt.ts';
import type { ImagePrompt } from '../gen/maskstream/v1/image.ts';
import type { FrameResult, SessionInput, SessionOptions } from '../pipeline/session-types.ts';
import { linkCallSignal } from './call-signal.ts';
import { checkMaskPixels, readClientMask } from './mask-workers/read-mask.ts';
import {
  checkMaskEncoding,
  checkOverlap,
  checkRegionArea,
  decodeKeyframes,
  findModel,
} from './requests/config-decoder.ts';
import { CallRecord } from './call-record.ts';
import { statusOfError } from './error-status.ts';
import {
  checkContent,
  checkLabel,
  checkObjectId,
  decodePrompts,
  decodeText,
  type PromptContext,
} from './requests/prompt-decoder.ts';
import type { ImageMessage, Masked } from './requests/received-request.ts';
import { encodeImageResponse } from './responses/encoded-masks.ts';
import { answerRead, resetStream } from './responses/reset-stream.ts';
import { limitsOf, sessionLimits, type ServerLimits } from './server-limits.ts';
import type { ServerContext } from './server-options.ts';
import type { ImageCall } from './video-service.ts';

/** Serves one SegmentImage call: a session of one picture; never throws. */
export async function segmentImage(
  call: ImageCall,
  respond: sendUnaryData<Buffer>,
  context: ServerContext,
): Promise<void> {
  try {
    using callSignal = linkCallSignal(call, context.calls.shutdown);
    const peer = call.getPeer();
    const { metadata } = call;
    const principal = context.principalOf(metadata);
    const end = (reason: SegmentationError) => callSignal.abort(reason);
    using record = new CallRecord({ kind: 'image', peer, principal, metadata, end }, context);
    using connection = context.connections.keep(peer);
    void connection;
    let error: SegmentationError | null = null;
    let bytes = 0;
    try {
      if (call.request.kind === 'refused') throw call.request.error;
      const encoded = await answer(call.request.message, callSignal.signal, {
        ...context,
        limits: limitsOf(principal, context.limits),
        owner: principal.name,
      });
      bytes = encoded.byteLength;
      respond(null, Buffer.from(encoded.buffer, encoded.byteOffset, bytes));
    } catch (reason) {
      error = SegmentationError.from(reason);
      respond(statusOfError(error));
    }
    record.end(error, {});
    record.place.waits(true);
    await untilRead(call, bytes, { signal: callSignal.signal, limits: context.limits });
  } catch (reason) {
    respond(statusOfError(reason));
  }
}

/**
 * An answer is memory until it is read, so that its call keeps its place for so long. A client that takes
 * its time, or whose place another one needs, is reset.
 */
async function untilRead(
  call: ImageCall,
  bytes: number,
  { signal, limits }: { readonly signal: AbortSignal; readonly limits: ServerLimits },
): Promise<void> {
  const bytesMs = (bytes / limits.minRequestBytesPerSecond) * 1000;
  const reset = () => {
    // grpc-js calls a call cancelled once its status has left, too; a client that is gone needs no reset.
    const isLeft = signal.aborted && SegmentationError.from(signal.reason).code === 'cancelled';
    if (!isLeft) resetStream(call);
  };
  const timer = setTimeout(() => resetStream(call), limits.flushTimeoutMs + bytesMs);
  signal.addEventListener('abort', reset, { once: true });
  if (signal.aborted) reset();
  await answerRead(call);
  clearTimeout(timer);
  signal.removeEventListener('abort', reset);
}

async function answer(
  { request, image, prompts }: ImageMessage,
  signal: AbortSignal,
  { models, limits, sessions, masks: workers, owner }: ServerContext & { readonly owner: string },
): Promise<Uint8Array> {
  const model = findModel(request.model, models);
  const encoding = checkMaskEncoding(request.maskEncoding);
  const overlap = checkOverlap(request.overlap);
  const maxFramePixels = checkCost(prompts, limits);
  const job = { owner: request, signal, workers };
  const updates = await decodeImagePrompts(prompts, {
    model,
    limits: { ...limits, maxFramePixels },
    readMask: (mask, maxPixels) => readClientMask(mask, maxPixels, job),
  });
  const options: SessionOptions = {
    container: 'mjpeg',
    delivery: 'every-frame',
    overlap,
    keyframes: decodeKeyframes(undefined, model),
    frameRate: 1,
    expectedSize: { width: null, height: null },
    maxFramePixels,
    maskLongSide: null,
    minMaskRegionArea: checkRegionArea(request.minMaskRegionArea, limits.maxFramePixels),
    maskForm: 'coco-rle',
    resume: null,
    limits: sessionLimits(limits),
    owner,
    signal,
    goingAway: null,
  };
  let size = { width: 0, height: 0 };
  let frame: FrameResult | null = null;
  let refusal: SegmentationError | null = null;
  for await (const event of sessions.openImage(feed(image, updates), options, model)) {
    if (event.kind === 'info') size = event.format.display;
    if (event.kind === 'masks') frame = event.result;
    // Where the picture is at fault, the session throws once it has refused the prompts too.
    if (event.kind === 'prompt-error') refusal ??= new SegmentationError(event.code, event.message);
  }
  if (refusal !== null) throw refusal;
  if (frame === null) throw new SegmentationError('undecodable-image', 'image holds no picture');
  const writing = { ...job, encoding, maxBytes: limits.maxResponseBytes };
  return await encodeImageResponse({ ...size, model: model.name }, frame, writing);
}

/**
 * Refuses what the request would cost by its numbers alone, and returns how large its picture may
 * be: each object may get a mask of the picture's size.
 */
function checkCost(prompts: readonly Masked<ImagePrompt>[], limits: ServerLimits): number {
  if (prompts.length === 0) {
    throw new SegmentationError('invalid-prompt', 'prompts must hold one or more, got none');
  }
  let objects = 0;
  for (const { value } of prompts) objects += value.text === undefined ? 1 : value.maxObjects || 1;
  if (objects > limits.maxObjects) {
    throw new SegmentationError(
      'too-many-objects',
      `prompts must ask for at most ${limits.maxObjects} objects, got ${objects}`,
    );
  }
  const masks = prompts.map(({ mask }) => mask);
  checkMaskPixels(masks, limits.maxRequestMaskPixels);
  return Math.min(limits.maxImagePixels, Math.floor(limits.maxRequestMaskPixels / objects));
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
  prompts: readonly Masked<ImagePrompt>[],
  context: PromptContext,
): Promise<PromptUpdate[]> {
  return Promise.all(
    prompts.map((prompt, requestId) => decodeImagePrompt(prompt, requestId, context)),
  );
}

async function decodeImagePrompt(
  prompt: Masked<ImagePrompt>,
  requestId: number,
  context: PromptContext,
): Promise<PromptUpdate> {
  const { text: phrase, objectId: id, maxObjects, minScore, label: name } = prompt.value;
  const text =
    phrase === undefined
      ? null
      : decodeText(
          { phrase, firstObjectId: id, maxObjects, minScore, thisFrameOnly: true },
          id,
          context,
        );
  checkContent({ action: 'add', text, ...prompt });
  const objectId = checkObjectId(id);
  const label = checkLabel(name);
  const prompts = await decodePrompts(prompt, context);
  return { requestId, objectId, action: 'add', at: { kind: 'next' }, prompts, text, label };
}
