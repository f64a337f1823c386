import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import { encodeRetryStatus, statusDetailsTrailer } from '../../clients/core/retry-status.ts';
import { type ErrorCode, SegmentationError } from '../frame/errors.ts';

/** Trailer that carries the {@link ErrorCode} of a status, so that clients need not parse text. */
export const errorCodeTrailer = 'maskstream-error-code';

/** The gRPC status of every code. Limits are RESOURCE_EXHAUSTED, whoever's fault the excess is. */
export const statusOfErrorCode: Readonly<Record<ErrorCode, status>> = {
  'config-out-of-order': status.INVALID_ARGUMENT,
  'malformed-message': status.INVALID_ARGUMENT,
  'invalid-config': status.INVALID_ARGUMENT,
  'invalid-prompt': status.INVALID_ARGUMENT,
  'unknown-object': status.NOT_FOUND,
  'duplicate-object': status.ALREADY_EXISTS,
  'too-many-objects': status.RESOURCE_EXHAUSTED,
  'too-many-prompts': status.RESOURCE_EXHAUSTED,
  'unsupported-prompt': status.INVALID_ARGUMENT,
  'unknown-word': status.INVALID_ARGUMENT,
  'frame-not-held': status.OUT_OF_RANGE,
  'frame-dropped': status.OUT_OF_RANGE,
  'frame-never-came': status.OUT_OF_RANGE,
  'unknown-model': status.NOT_FOUND,
  'empty-stream': status.INVALID_ARGUMENT,
  'undecodable-video': status.INVALID_ARGUMENT,
  'unsupported-codec': status.INVALID_ARGUMENT,
  'undecodable-image': status.INVALID_ARGUMENT,
  'frame-too-large': status.RESOURCE_EXHAUSTED,
  'size-mismatch': status.INVALID_ARGUMENT,
  'request-too-large': status.RESOURCE_EXHAUSTED,
  'chunk-too-large': status.RESOURCE_EXHAUSTED,
  'spool-too-large': status.RESOURCE_EXHAUSTED,
  'too-many-streams': status.RESOURCE_EXHAUSTED,
  'no-capacity': status.RESOURCE_EXHAUSTED,
  'server-exhausted': status.RESOURCE_EXHAUSTED,
  unauthenticated: status.UNAUTHENTICATED,
  'decoder-failed': status.INTERNAL,
  'decoder-stalled': status.RESOURCE_EXHAUSTED,
  'model-load-failed': status.INTERNAL,
  'model-failed': status.INTERNAL,
  'provider-unavailable': status.FAILED_PRECONDITION,
  'worker-died': status.INTERNAL,
  'inference-unavailable': status.UNAVAILABLE,
  cancelled: status.CANCELLED,
  'deadline-exceeded': status.DEADLINE_EXCEEDED,
  'shutting-down': status.UNAVAILABLE,
  usage: status.INVALID_ARGUMENT,
  'unreadable-file': status.INVALID_ARGUMENT,
  'download-failed': status.UNAVAILABLE,
  'nothing-found': status.NOT_FOUND,
  unhealthy: status.FAILED_PRECONDITION,
  'batch-incomplete': status.ABORTED,
  internal: status.INTERNAL,
};

/** What a client is told. Anything but a SegmentationError says "internal error" and no more. */
export function statusOfError(reason: unknown): StatusObject {
  const error = SegmentationError.from(reason);
  const metadata = new Metadata();
  metadata.set(errorCodeTrailer, error.code);
  const details = error.code === 'internal' ? 'internal error' : error.message;
  const code = statusOfErrorCode[error.code];
  const { retryAfterMs } = error;
  if (retryAfterMs !== null) {
    const bytes = encodeRetryStatus({ code, message: details, retryAfterMs });
    metadata.set(statusDetailsTrailer, Buffer.from(bytes));
  }
  return { code, details, metadata };
}
