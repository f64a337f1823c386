import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { SegmentationError } from '../../frame/errors.ts';
import { longestTimerMs } from '../../frame/time.ts';
import { http2Servers } from './grpc-internals.ts';

/** Headers of one call: gRPC's own libraries send 8 KiB, and twice that nowhere. */
const maxHeaderBytes = 16 * 1024;

/** Header of a call's deadline (gRPC over HTTP/2), and what one of its units is in milliseconds. */
const timeoutHeader = 'grpc-timeout';
const timeoutForm = /^(\d{1,8})([HMSmun])$/;
const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000001,
};

/** Looks at the headers of calls before grpc-js does. */
export type CallHeaders = {
  /** Looks at the calls of a server that listens. */
  watch(server: Server): void;
  /** @throws SegmentationError `request-too-large`, `malformed-message` */
  check(stream: ServerHttp2Stream): void;
};

/**
 * Bounds headers as they are unpacked: 200 bytes on the wire may name what was sent before a hundred
 * times, half a megabyte for each call, and HTTP/2's own limit binds a client only once it says so. A
 * deadline that is none is refused (grpc-js, 1.14.7, says INTERNAL), and one of months is none.
 */
export function watchHeaders(): CallHeaders {
  const refused = new WeakMap<ServerHttp2Stream, SegmentationError>();
  // grpc-js gets the same object: what it must not see is taken out.
  const look = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const problem = problemOf(headers);
    if (problem !== null) {
      refused.set(stream, problem);
      for (const name of Object.keys(headers)) {
        if (!name.startsWith(':') && name !== 'content-type' && name !== 'te') delete headers[name];
      }
    } else if (timeoutMsOf(headers) > longestTimerMs) {
      delete headers[timeoutHeader];
    }
  };
  return {
    watch: (server) => {
      for (const listener of http2Servers(server)) listener.prependListener('stream', look);
    },
    check: (stream) => {
      const problem = refused.get(stream);
      if (problem !== undefined) throw problem;
    },
  };
}

function problemOf(headers: IncomingHttpHeaders): SegmentationError | null {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    bytes += name.length + [value ?? ''].flat().reduce((sum, one) => sum + one.length, 0);
  }
  if (bytes > maxHeaderBytes) {
    const message = `headers of a call must have at most ${maxHeaderBytes} bytes`;
    return new SegmentationError('request-too-large', `${message}, got ${bytes}`);
  }
  if (!Number.isNaN(timeoutMsOf(headers))) return null;
  const message = 'grpc-timeout must be up to eight digits and a unit, got something else';
  return new SegmentationError('malformed-message', message);
}

/** 0 where there is none, NaN where it is no time. */
function timeoutMsOf(headers: IncomingHttpHeaders): number {
  const given = headers[timeoutHeader];
  if (given === undefined) return 0;
  const [, count, unit = ''] = timeoutForm.exec(String(given)) ?? [];
  return Number(count) * (unitMs[unit] ?? NaN);
}
