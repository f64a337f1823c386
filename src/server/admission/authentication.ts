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

// Orchestrators probe health without credentials.
const openPrefix = '/grpc.health.v1.Health/';

/** Refuses calls without `authorization: Bearer <token>`, health checks apart. */
export function requireToken(token: string): ServerInterceptor {
  const expected = digest(`Bearer ${token}`);
  return (method, call) => {
    if (method.path.startsWith(openPrefix)) return new ServerInterceptingCall(call);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        if (isAllowed(metadata, expected)) next(metadata);
        else call.sendStatus(statusOfError(refusal(metadata)));
      })
      .build();
    const responder = new ResponderBuilder().withStart((next) => next(listener)).build();
    return new ServerInterceptingCall(call, responder);
  };
}

function isAllowed(metadata: Metadata, expected: Buffer): boolean {
  const [given] = metadata.get('authorization');
  return typeof given === 'string' && timingSafeEqual(digest(given), expected);
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
