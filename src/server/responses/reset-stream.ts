import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ImageCall, VideoCall } from '../video-service.ts';

type InterceptingCall = {
  readonly nextCall?: InterceptingCall;
  readonly stream?: ServerHttp2Stream;
};

/**
 * Ends a call whose client does not read. A status is sent behind what is queued, so it never
 * leaves; only resetting the HTTP/2 stream does, and grpc-js has no public way to (1.14.7).
 */
export function resetStream(call: VideoCall | ImageCall): void {
  streamOf(call)?.close(constants.NGHTTP2_CANCEL);
}

/** Resolves when the client has read the answer, or is gone. */
export function answerRead(call: ImageCall): Promise<void> {
  const stream = streamOf(call);
  return new Promise((resolve) => {
    if (stream === undefined || stream.closed) resolve();
    else stream.once('close', () => resolve());
  });
}

function streamOf(call: VideoCall | ImageCall): ServerHttp2Stream | undefined {
  let inner = (call as unknown as { call?: InterceptingCall }).call;
  while (inner !== undefined && inner.stream === undefined) inner = inner.nextCall;
  return inner?.stream;
}

/**
 * Lowers the number of requests that grpc-js reads ahead from 16 to `messages`: with large messages
 * 16 of them are too much memory for one stream, and the option is not passed through (1.14.7).
 */
export function limitReadAhead(call: VideoCall, messages: number): void {
  const state: unknown = Reflect.get(call, '_readableState');
  if (typeof state === 'object' && state !== null) Reflect.set(state, 'highWaterMark', messages);
}
