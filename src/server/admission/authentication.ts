import { createHash, timingSafeEqual } from 'node:crypto';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { SegmentationError } from '../../frame/errors.ts';
import { statusOfError } from '../error-status.ts';
import { type Logger, silentLogger } from '../logger.ts';
import { type ServerMetrics, silentMetrics } from '../server-metrics.ts';

// Orchestrators probe health without credentials.
const openPrefix = '/grpc.health.v1.Health/';

const refusalLogIntervalMs = 1000;

/** Who is told of a refusal; nobody by default. */
type Observers = { readonly log?: Logger; readonly metrics?: ServerMetrics };

/**
 * Refuses calls without `authorization: Bearer <token>`, health checks apart. Refusals are logged, at
 * most one line a second, with who and what was called and never with what came as the token.
 */
export function requireToken(
  token: string,
  { log = silentLogger, metrics = silentMetrics }: Observers,
): ServerInterceptor {
  const expected = digest(token);
  const report = reportRefusals(log);
  return (method, call) => {
    if (method.path.startsWith(openPrefix)) return new ServerInterceptingCall(call);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        if (isAllowed(metadata, expected)) {
          next(metadata);
          return;
        }
        const error = refusal(metadata);
        metrics.refused(error.code);
        report({ peer: call.getPeer(), method: method.path }, error);
        call.sendStatus(statusOfError(error));
      })
      .build();
    const responder = new ResponderBuilder().withStart((next) => next(listener)).build();
    return new ServerInterceptingCall(call, responder);
  };
}

/** A flood of refused calls is a flood of log lines otherwise; the next line counts the ones between. */
function reportRefusals(log: Logger) {
  let loggedMs = -Infinity;
  let unlogged = 0;
  return (fields: { peer: string; method: string }, { message }: Error): void => {
    const nowMs = performance.now();
    if (nowMs - loggedMs < refusalLogIntervalMs) {
      unlogged++;
      return;
    }
    log.warn({ ...fields, reason: message, unlogged }, 'call refused');
    loggedMs = nowMs;
    unlogged = 0;
  };
}

/** The scheme's name is written in any case (RFC 9110), the token is not. */
function isAllowed(metadata: Metadata, expected: Buffer): boolean {
  const [given] = metadata.get('authorization');
  const token = typeof given === 'string' ? /^bearer +(.+)$/i.exec(given)?.[1] : undefined;
  return token !== undefined && timingSafeEqual(digest(token), expected);
}

function refusal(metadata: Metadata): SegmentationError {
  const came = metadata.get('authorization').length === 0 ? 'none' : 'another one';
  return new SegmentationError(
    'unauthenticated',
    `authorization must be the bearer token of this server, got ${came}`,
  );
}

/** Digests have equal lengths, which timingSafeEqual needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
