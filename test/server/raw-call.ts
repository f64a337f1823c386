import { type ClientDuplexStream, credentials, type StatusObject } from '@grpc/grpc-js';
import { SegmentationServiceClient } from '../../src/gen/maskstream/v1/segmentation_service.ts';
import type { SegmentVideoRequest } from '../../src/gen/maskstream/v1/video_request.ts';
import { Container, Delivery, StreamConfig } from '../../src/gen/maskstream/v1/video_request.ts';
import type { SegmentVideoResponse } from '../../src/gen/maskstream/v1/video_response.ts';

/** A client below the client library, so that it can misbehave. */
export function rawClient(port: number): SegmentationServiceClient {
  return new SegmentationServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
}

type Message = NonNullable<SegmentVideoRequest['message']>;

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
