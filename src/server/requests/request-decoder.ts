import type { Container } from '../../frame/container.ts';
import { SegmentationError } from '../../frame/errors.ts';
import type { ModelInfo } from '../../frame/model.ts';
import type { PromptUpdate } from '../../frame/prompt.ts';
import type { SegmentVideoRequest, StreamConfig } from '../../gen/maskstream/v1/video_request.ts';
import type { SessionInput } from '../../pipeline/session-types.ts';
import { closeAccessUnit } from './close-access-unit.ts';
import { decodePromptUpdate } from './prompt-decoder.ts';
import type { PendingRequests } from './pending-requests.ts';
import type { ServerLimits } from '../server-limits.ts';
import type { ReceivedRequest } from '../video-service.ts';

/** Where a stream's requests are turned into what the session takes. */
export type RequestDecoderOptions = {
  readonly model: ModelInfo;
  readonly container: Container;
  readonly limits: ServerLimits;
  readonly pendingRequests: PendingRequests;
  /** Answers a refused prompt at once; resolves when there is room for the next answer. */
  readonly refuse: (requestId: number, error: SegmentationError) => Promise<void>;
};

type Message = NonNullable<SegmentVideoRequest['message']>;

const messageNames: Readonly<Record<Message['$case'], string>> = {
  config: 'config',
  chunk: 'video_chunk',
  prompt: 'prompt_update',
  endOfVideo: 'end_of_video',
};

/**
 * The config that opens a stream.
 *
 * @throws SegmentationError `config-out-of-order`, `malformed-message`.
 */
export async function takeConfig(requests: AsyncIterator<ReceivedRequest>): Promise<StreamConfig> {
  const first = await requests.next();
  if (first.done === true) throw outOfOrder('end of stream');
  const message = messageOf(first.value);
  if (message.$case !== 'config') throw outOfOrder(messageNames[message.$case]);
  return message.value;
}

/**
 * Checks what follows the config. A wrong prompt is answered and skipped; any other wrong message
 * ends the iteration with the error that the stream ends with.
 *
 * @throws SegmentationError `config-out-of-order`, `malformed-message`, `chunk-too-large`.
 */
export async function* decodeRequests(
  requests: AsyncIterator<ReceivedRequest>,
  options: RequestDecoderOptions,
): AsyncGenerator<SessionInput, void, undefined> {
  let ended = false;
  for (let next = await requests.next(); next.done !== true; next = await requests.next()) {
    const message = messageOf(next.value);
    switch (message.$case) {
      case 'config':
        throw new SegmentationError('config-out-of-order', 'config must come once, got a second');
      case 'chunk':
        if (ended) throw afterEnd('video_chunk');
        checkChunk(message.value.data, options.limits.maxChunkBytes);
        yield {
          kind: 'chunk',
          data:
            message.value.endsAccessUnit === true
              ? closeAccessUnit(message.value.data, options.container)
              : message.value.data,
          captureTimestampUs: message.value.captureTimestampUs ?? null,
          randomAccess: message.value.randomAccess,
        };
        break;
      case 'endOfVideo':
        if (ended) throw afterEnd('end_of_video');
        ended = true;
        yield { kind: 'end-of-video' };
        break;
      case 'prompt': {
        const update = await acceptPrompt(message.value, options);
        if (update !== null) yield { kind: 'prompt', update };
        break;
      }
    }
  }
}

async function acceptPrompt(
  wire: Extract<Message, { $case: 'prompt' }>['value'],
  options: RequestDecoderOptions,
): Promise<PromptUpdate | null> {
  const { pendingRequests, limits, model } = options;
  try {
    pendingRequests.check(wire.requestId);
    const update = decodePromptUpdate(wire, { model, limits });
    pendingRequests.add(wire.requestId);
    return update;
  } catch (reason) {
    if (!(reason instanceof SegmentationError)) throw reason;
    await options.refuse(wire.requestId, reason);
    return null;
  }
}

function messageOf(received: ReceivedRequest): Message {
  if (received.kind === 'malformed') {
    throw new SegmentationError(
      'malformed-message',
      'message must be a SegmentVideoRequest, got bytes that do not decode as one',
      { cause: received.cause },
    );
  }
  const { message } = received.request;
  if (message === undefined) {
    throw new SegmentationError(
      'malformed-message',
      'message must be one of config, video_chunk, prompt_update, end_of_video, got none of them',
    );
  }
  return message;
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
    `only prompt_update may follow end_of_video, got ${came}`,
  );
}
