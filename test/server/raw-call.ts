import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
} from 'node:http2';
import { type ClientDuplexStream, credentials, type StatusObject } from '@grpc/grpc-js';
import { SegmentationServiceClient } from '../../src/gen/maskstream/v1/segmentation_service.ts';
import { SegmentVideoRequest } from '../../src/gen/maskstream/v1/video_request.ts';
import {
  Container,
  Delivery,
  PromptAction,
  PromptUpdate,
  StreamConfig,
} from '../../src/gen/maskstream/v1/video_request.ts';
import type { SegmentVideoResponse } from '../../src/gen/maskstream/v1/video_response.ts';

/** A client below the client library, so that it can misbehave. */
export function rawClient(port: number): SegmentationServiceClient {
  return new SegmentationServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
}

/** One request. */
export type Message = NonNullable<SegmentVideoRequest['message']>;

export const configMessage: Message = {
  $case: 'config',
  value: StreamConfig.fromPartial({
    container: Container.CONTAINER_MP4,
    delivery: Delivery.DELIVERY_EVERY_FRAME,
  }),
};

export const endMessage: Message = { $case: 'endOfVideo', value: {} };

/** A chunk of `bytes` zero bytes. */
export function chunkMessage(bytes = 4): Message {
  return { $case: 'chunk', value: { data: new Uint8Array(bytes), randomAccess: false } };
}

/** A call with everything that came back. */
export type Collected = {
  readonly responses: NonNullable<SegmentVideoResponse['message']>[];
  readonly status: StatusObject;
};

/** Reads a call to its end. */
export function collect(
  call: ClientDuplexStream<SegmentVideoRequest, SegmentVideoResponse>,
): Promise<Collected> {
  const responses: Collected['responses'] = [];
  call.on('data', ({ message }: SegmentVideoResponse) => {
    if (message !== undefined) responses.push(message);
  });
  call.on('error', () => {});
  return new Promise((resolve) => {
    call.on('status', (status: StatusObject) => resolve({ responses, status }));
  });
}

/** Sends all messages, half-closes, and reads to the end. */
export function exchange(
  client: SegmentationServiceClient,
  messages: readonly (Message | undefined)[],
): Promise<Collected> {
  const call = client.segmentVideo();
  const collected = collect(call);
  for (const message of messages) call.write({ message });
  call.end();
  return collected;
}

/** A valid config but for `change`, which need not be valid. */
export function changedConfig(change: Record<string, unknown>): Message {
  const valid = configMessage.$case === 'config' ? configMessage.value : {};
  return { $case: 'config', value: StreamConfig.fromPartial({ ...valid, ...change }) };
}

/** A valid ADD of a box but for `change`, which need not be valid. */
export function changedPrompt(change: Record<string, unknown>): Message {
  const box = { x: 1, y: 1, width: 5, height: 5 };
  const action = PromptAction.PROMPT_ACTION_ADD;
  const valid = PromptUpdate.fromPartial({ requestId: 5, objectId: 1, action, box });
  return { $case: 'prompt', value: PromptUpdate.fromPartial({ ...valid, ...change }) };
}

/** A mask of 3 x 3 set pixels. */
export function squareMask() {
  return {
    width: 3,
    height: 3,
    data: { $case: 'cocoRle' as const, value: { counts: Buffer.from('09') } },
  };
}

/**
 * A call below gRPC, with its config sent, for what no gRPC client does: it reads nothing until
 * told to, and can be reset with any code.
 */
export function http2Call(
  port: number,
  options: {
    readonly timeoutMs?: number;
    readonly windowBytes?: number;
    readonly config?: Message;
  } = {},
): {
  readonly session: ClientHttp2Session;
  readonly stream: ClientHttp2Stream;
  /** Sends one message. */
  readonly send: (message: Message) => void;
} {
  const { timeoutMs, windowBytes = 65_535, config = configMessage } = options;
  const session = connectHttp2(`http://127.0.0.1:${port}`, {
    settings: { initialWindowSize: windowBytes },
  });
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': '/maskstream.v1.SegmentationService/SegmentVideo',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(timeoutMs === undefined ? {} : { 'grpc-timeout': `${timeoutMs}m` }),
    },
    { endStream: false },
  );
  session.on('error', () => {});
  stream.on('error', () => {});
  const send = (message: Message) => {
    const bytes = Buffer.from(SegmentVideoRequest.encode({ message }).finish());
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(bytes.length, 1);
    stream.write(Buffer.concat([prefix, bytes]));
  };
  send(config);
  return { session, stream, send };
}
