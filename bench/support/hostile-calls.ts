import { Container, Delivery, StreamConfig } from '../../src/gen/maskstream/v1/video_request.ts';
import { frame, methods, openRaw, over, videoMessage } from './raw-calls.ts';

/** What a case is given. */
export type Target = {
  readonly address: string;
  /** Longest that it may go on, in milliseconds. */
  readonly limitMs: number;
  /** 5 frames of 4096 x 2304 as MP4, and grey PNGs of 11968 x 8000 and 4096 x 4096. */
  readonly video4k: Uint8Array;
  readonly hugePng: Uint8Array;
  readonly largePng: Uint8Array;
  /** A small MP4 that states 12 tracks of 18 million samples. */
  readonly sampleBomb: Uint8Array;
};

/** The first message of a stream. */
export function configOf(change: Partial<StreamConfig>): Buffer {
  const container = Container.CONTAINER_MP4;
  const delivery = Delivery.DELIVERY_EVERY_FRAME;
  const value = StreamConfig.fromPartial({ container, delivery, ...change });
  return videoMessage({ $case: 'config', value });
}

type CallOptions = {
  readonly headers?: Readonly<Record<string, string>>;
  /** Half-closes. */
  readonly ends?: boolean;
};

/** Runs a stream below gRPC; what it ended with. */
export async function videoCall(
  address: string,
  messages: readonly Uint8Array[],
  limitMs: number,
  { headers = {}, ends = false }: CallOptions = {},
): Promise<string> {
  using connection = openRaw(address);
  const call = connection.open(methods.video, headers);
  let status = 'open';
  call.on('trailers', (trailers) => (status = String(trailers['maskstream-error-code'] ?? 'ok')));
  call.on('response', (answer) => {
    if (answer['grpc-status'] === undefined) return;
    status = String(answer['maskstream-error-code'] ?? `status ${String(answer['grpc-status'])}`);
  });
  for (const message of messages) call.write(message);
  if (ends) call.end();
  await over(call, limitMs);
  return status;
}

/** Asks for masks of an image below gRPC; what came, and when. */
export async function imageCall(
  { address, limitMs }: Target,
  request: Uint8Array,
): Promise<string> {
  using connection = openRaw(address);
  const call = connection.open(methods.image);
  let status = 'no answer';
  const read = (headers: Record<string, unknown>) => {
    const [code, grpcStatus] = [headers['maskstream-error-code'], headers['grpc-status']];
    if (typeof code === 'string') status = code;
    else if (grpcStatus !== undefined) status = grpcStatus === '0' ? 'ok' : 'failed';
  };
  call.on('response', read);
  call.on('trailers', read);
  const startedMs = performance.now();
  call.end(frame(request));
  await over(call, limitMs);
  return `${status} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}
