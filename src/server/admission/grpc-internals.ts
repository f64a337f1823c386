import type { ServerHttp2Stream } from 'node:http2';
import type { Server as NetServer } from 'node:net';
import type { Server, ServerInterceptingCallInterface, StatusObject } from '@grpc/grpc-js';

/**
 * What grpc-js (1.14.7) keeps to itself and the guards need: it unpacks and buffers messages before
 * any handler or interceptor sees them, and has no public way to reset a call.
 */
export type BaseCall = {
  readonly stream: ServerHttp2Stream;
  sendStatus(status: Partial<StatusObject>): void;
  /** Throws or rejects with the status that the call then ends with. */
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
  /** Takes the next bytes of the request, and its end. */
  handleDataFrame(data: Buffer): void;
  handleEndEvent(): void;
};

/**
 * The call under all interceptors: what the first of them gets.
 *
 * @throws Error where grpc-js is another one than this was written for
 */
export function baseCallOf(call: ServerInterceptingCallInterface): BaseCall {
  const base = call as unknown as Partial<BaseCall>;
  if (
    base.stream === undefined ||
    typeof base.sendStatus !== 'function' ||
    typeof base.decompressMessage !== 'function' ||
    typeof base.handleDataFrame !== 'function' ||
    typeof base.handleEndEvent !== 'function'
  ) {
    throw new Error(
      'grpc-js must have stream, sendStatus, decompressMessage, handleDataFrame and handleEndEvent on its base call',
    );
  }
  return base as BaseCall;
}

/** grpc-js (1.14.7) has no public way to the sockets of a server that it listens with. */
export function http2Servers(server: Server): NetServer[] {
  const servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(servers instanceof Map) || servers.size === 0) {
    throw new Error('grpc-js must hold its listeners in http2Servers');
  }
  return [...servers.keys()] as NetServer[];
}
