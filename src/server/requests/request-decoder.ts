import type { Container } from '../../frame/container.ts';
import { SegmentationError } from '../../frame/errors.ts';
import type { ModelInfo } from '../../frame/model.ts';
import type { PromptUpdate } from '../../frame/prompt.ts';
import type { SessionInput } from '../../pipeline/session-types.ts';
import { AccessUnitCloser } from './close-access-unit.ts';
import { decodePromptUpdate, type ReadMask } from './prompt-decoder.ts';
import type { PendingRequests } from './pending-requests.ts';
import type { ServerLimits } from '../server-limits.ts';
import type { Received, VideoMessage } from './received-request.ts';

/** Where a stream's requests are turned into what the session takes. */
export type RequestDecoderOptions = {
  readonly model: ModelInfo;
  readonly container: Container;
  readonly limits: ServerLimits;
  /** The stream asked for `max_unseen_frames`. */
  readonly boundsUnseen: boolean;
  readonly pendingRequests: PendingRequests;
  readonly readMask: ReadMask;
  /** Answers a refused prompt at once; resolves when there is room for the next answer. */
  readonly refuse: (requestId: number, error: SegmentationError) => Promise<void>;
};

/** A message that says something. */
type Message = Exclude<VideoMessage, { kind: 'none' }>;

/**
 * The config that opens a stream.
 *
 * @throws SegmentationError `config-out-of-order`, `malformed-message`.
 */
export async function takeConfig(
  requests: AsyncIterator<Received<VideoMessage>>,
): Promise<Extract<VideoMessage, { kind: 'config' }>> {
  const first = await requests.next();
  if (first.done === true) throw outOfOrder('end of stream');
  const message = messageOf(first.value);
  if (message.kind === 'refused_prompt') throw outOfOrder('prompt_update');
  if (message.kind !== 'config') throw outOfOrder(message.kind);
  return message;
}

/**
 * Checks what follows the config. A wrong prompt is answered and skipped; any other wrong message
 * ends the iteration with the error that the stream ends with.
 *
 * @throws SegmentationError `config-out-of-order`, `malformed-message`, `chunk-too-large`.
 */
export async function* decodeRequests(
  requests: AsyncIterator<Received<VideoMessage>>,
  options: RequestDecoderOptions,
): AsyncGenerator<SessionInput, void, undefined> {
  let ended = false;
  const units = new AccessUnitCloser(options.container);
  for (let next = await requests.next(); next.done !== true; next = await requests.next()) {
    const message = messageOf(next.value);
    switch (message.kind) {
      case 'config':
        throw new SegmentationError('config-out-of-order', 'config must come once, got a second');
      case 'video_chunk':
        if (ended) throw afterEnd('video_chunk');
        checkChunk(message.chunk.data, options.limits.maxChunkBytes);
        yield {
          kind: 'chunk',
          ...units.close(message.chunk.data, message.chunk.endsAccessUnit === true),
          captureTimestampUs: message.chunk.captureTimestampUs ?? null,
          randomAccess: message.chunk.randomAccess,
        };
        break;
      case 'end_of_video':
        if (ended) throw afterEnd('end_of_video');
        ended = true;
        yield { kind: 'end-of-video' };
        break;
      case 'frames_seen':
        if (!options.boundsUnseen) throw unasked();
        yield { kind: 'seen', frameIndex: message.frameIndex };
        break;
      case 'refused_prompt':
        await options.refuse(message.requestId, message.error);
        break;
      case 'prompt_update': {
        const update = await acceptPrompt(message.prompt, options);
        if (update !== null) yield { kind: 'prompt', update };
        break;
      }
    }
  }
}

async function acceptPrompt(
  prompt: Extract<Message, { kind: 'prompt_update' }>['prompt'],
  options: RequestDecoderOptions,
): Promise<PromptUpdate | null> {
  const { pendingRequests, limits, model, readMask } = options;
  const { requestId } = prompt.value;
  try {
    pendingRequests.check(requestId);
    const update = await decodePromptUpdate(prompt, { model, limits, readMask });
    pendingRequests.add(requestId);
    return update;
  } catch (reason) {
    if (!(reason instanceof SegmentationError)) throw reason;
    if (isStreamsEnd(reason)) throw reason;
    await options.refuse(requestId, reason);
    return null;
  }
}

/** The call is over, or something here broke: no fault of the prompt. */
function isStreamsEnd({ code }: SegmentationError): boolean {
  return ['cancelled', 'deadline-exceeded', 'shutting-down', 'internal'].includes(code);
}

function messageOf(received: Received<VideoMessage>): Message {
  if (received.kind === 'refused') throw received.error;
  const { message } = received;
  if (message.kind !== 'none') return message;
  throw new SegmentationError(
    'malformed-message',
    'message must be one of config, video_chunk, prompt_update, end_of_video, frames_seen, got none of them',
  );
}

function checkChunk(data: Uint8Array, limit: number): void {
  if (data.byteLength <= limit) return;
  throw new SegmentationError(
    'chunk-too-large',
    `video_chunk must be at most ${limit} bytes, got ${data.byteLength}`,
  );
}

function outOfOrder(came: string): SegmentationError {
  return new SegmentationError('config-out-of-order', `first message must be config, got ${came}`);
}

function afterEnd(came: string): SegmentationError {
  return new SegmentationError(
    'malformed-message',
    `only prompt_update and frames_seen may follow end_of_video, got ${came}`,
  );
}

function unasked(): SegmentationError {
  return new SegmentationError(
    'malformed-message',
    'frames_seen needs StreamConfig.max_unseen_frames, got it without',
  );
}
