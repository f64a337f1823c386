import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { SegmentationError } from '../../frame/errors.ts';
import { http2Servers } from './grpc-internals.ts';

/** Headers of one call: gRPC's own libraries send 8 KiB, and twice that nowhere. */
export const maxHeaderBytes = 16 * 1024;

/** Knows which calls came with headers that are too large, before anything is made of them. */
export type HeaderSizes = {
  /** Looks at the calls of a server that listens. */
  watch(server: Server): void;
  /** @throws SegmentationError `request-too-large` */
  check(stream: ServerHttp2Stream): void;
};

/**
 * Bounds headers as they are unpacked: 200 bytes on the wire may name what was sent before a hundred
 * times, half a megabyte for each call, and HTTP/2's own limit binds a client only once it says so.
 */
export function measureHeaders(): HeaderSizes {
  const tooLarge = new WeakMap<ServerHttp2Stream, number>();
  const look = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    let bytes = 0;
    for (const [name, value] of Object.entries(headers)) {
      bytes += name.length + [value ?? ''].flat().reduce((sum, one) => sum + one.length, 0);
    }
    if (bytes <= maxHeaderBytes) return;
    tooLarge.set(stream, bytes);
    // grpc-js gets the same object: what it needs for its answer is left.
    for (const name of Object.keys(headers)) {
      if (!name.startsWith(':') && name !== 'content-type' && name !== 'te') delete headers[name];
    }
  };
  return {
    watch: (server) => {
      for (const listener of http2Servers(server)) listener.prependListener('stream', look);
    },
    check: (stream) => {
      const bytes = tooLarge.get(stream);
      if (bytes === undefined) return;
      const message = `headers of a call must have at most ${maxHeaderBytes} bytes`;
      throw new SegmentationError('request-too-large', `${message}, got ${bytes}`);
    },
  };
}
