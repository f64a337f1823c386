import { type ServiceError, status } from '@grpc/grpc-js';
import type { StreamSummary } from '../../src/gen/maskstream/v1/video_response.ts';

/** Name of a gRPC status other than OK, such as `INVALID_ARGUMENT`. */
export type StatusName = Exclude<keyof typeof status, 'OK'>;

// Set by the server, so that nobody parses messages.
const errorCodeTrailer = 'maskstream-error-code';

/**
 * A call that failed. `status` says what kind of failure it is, `code` which one: a code of
 * docs/errors.md, or null where the failure never reached a maskstream server.
 */
export class CallFailed extends Error {
  readonly status: StatusName;
  readonly code: string | null;
  /** What a video stream had done until then; null where the server could not say. */
  readonly summary: StreamSummary | null;

  constructor(error: ServiceError, summary: StreamSummary | null = null) {
    super(error.details || error.message, { cause: error });
    this.name = 'CallFailed';
    this.status = (status[error.code] ?? 'UNKNOWN') as StatusName;
    const [code] = error.metadata?.get(errorCodeTrailer) ?? [];
    this.code = typeof code === 'string' ? code : null;
    this.summary = summary;
  }
}

/** A prompt that the server refused; its stream goes on. `code` is one of docs/errors.md. */
export class PromptRejected extends Error {
  readonly code: string;
  readonly requestId: number;

  constructor(requestId: number, { code, message }: { code: string; message: string }) {
    super(message);
    this.name = 'PromptRejected';
    this.code = code;
    this.requestId = requestId;
  }
}
