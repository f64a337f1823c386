import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { MaskstreamError } from '../core/maskstream-error.ts';
import { readRetryAfterMs, statusDetailsTrailer } from '../core/retry-status.ts';
import type { StreamSummary } from '../../src/gen/maskstream/v1/video_response.ts';

/** Name of a gRPC status other than OK, such as `INVALID_ARGUMENT`. */
export type StatusName = Exclude<keyof typeof status, 'OK'>;

// Set by the server, so that nobody parses messages.
const errorCodeTrailer = 'maskstream-error-code';

/** Codes that this library gives itself; `docs/errors.md` says what to do about each. */
export const clientErrorCodes = [
  'unreachable',
  'connection-lost',
  'message-too-large',
  'not-maskstream',
  'stream-over',
  'undecodable-mask',
] as const;

/**
 * The code of a call that ended without one of the server's. Proxies turn a server that died into
 * INTERNAL, UNKNOWN or CANCELLED, which a client must not take for the server's word.
 */
const codeWithoutServer = {
  CANCELLED: 'connection-lost',
  UNKNOWN: 'connection-lost',
  INVALID_ARGUMENT: 'not-maskstream',
  DEADLINE_EXCEEDED: 'deadline-exceeded',
  NOT_FOUND: 'not-maskstream',
  ALREADY_EXISTS: 'not-maskstream',
  PERMISSION_DENIED: 'not-maskstream',
  RESOURCE_EXHAUSTED: 'message-too-large',
  FAILED_PRECONDITION: 'not-maskstream',
  ABORTED: 'connection-lost',
  OUT_OF_RANGE: 'not-maskstream',
  UNIMPLEMENTED: 'not-maskstream',
  INTERNAL: 'connection-lost',
  UNAVAILABLE: 'unreachable',
  DATA_LOSS: 'connection-lost',
  UNAUTHENTICATED: 'not-maskstream',
} as const satisfies Record<StatusName, string>;

/** The server's own code in a call's trailers; null where it said nothing. */
export function sentErrorCode(trailers: Metadata | undefined): string | null {
  const [sent] = trailers?.get(errorCodeTrailer) ?? [];
  return typeof sent === 'string' ? sent : null;
}

/** The server's hint in a call's trailers when to try again, in milliseconds; null where there is none. */
export function sentRetryAfterMs(trailers: Metadata | undefined): number | null {
  const [sent] = trailers?.get(statusDetailsTrailer) ?? [];
  return Buffer.isBuffer(sent) ? readRetryAfterMs(sent) : null;
}

/** What is known of a call that failed beside its status. */
export type FailureContext = {
  /** What a video stream had done until then. */
  readonly summary?: StreamSummary | null;
  /** The caller cancelled it. */
  readonly cancelled?: boolean;
};

/**
 * A call that failed. `status` says what kind of failure it is, `code` which one: the server's, or one
 * of {@link clientErrorCodes}, `cancelled` or `deadline-exceeded` where the server had no say.
 */
export class CallFailed extends MaskstreamError {
  readonly status: StatusName;
  /** What a video stream had done until then; null where the server could not say. */
  readonly summary: StreamSummary | null;
  /** When the server says that it is worth while to try again, in milliseconds; null: it does not. */
  readonly retryAfterMs: number | null;

  constructor(error: ServiceError, { summary = null, cancelled = false }: FailureContext = {}) {
    const name = (status[error.code] ?? 'UNKNOWN') as StatusName;
    const sent = sentErrorCode(error.metadata);
    const wasCancelled = cancelled && name === 'CANCELLED';
    const own = wasCancelled ? 'cancelled' : codeWithoutServer[name];
    super(sent ?? own, withoutEmptyNote(error.details || error.message), { cause: error });
    this.name = 'CallFailed';
    this.status = name;
    this.summary = summary;
    this.retryAfterMs = sentRetryAfterMs(error.metadata);
  }
}

/** grpc-js ends what it says of a connection with a note that is mostly empty. */
function withoutEmptyNote(message: string): string {
  return message.replace(/\.? *Resolution note: *$/, '');
}

/** A prompt that was refused; its stream goes on. `code` is one of docs/errors.md. */
export class PromptRejected extends MaskstreamError {
  readonly requestId: number;

  constructor(requestId: number, { code, message }: { code: string; message: string }) {
    super(code, message);
    this.name = 'PromptRejected';
    this.requestId = requestId;
  }
}
