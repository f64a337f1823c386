import {
  CallFailed,
  clientErrorCodes,
  MaskstreamError,
  PromptRejected,
} from '../../clients/typescript/index.ts';
import { SegmentationError } from '../frame/errors.ts';

/** The message and what lies below it: the user of a command line has no other log. */
export function describeError(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  if (reason instanceof CallFailed) {
    const ours: readonly string[] = clientErrorCodes;
    const who = ours.includes(reason.code) ? 'the call ended with' : 'the server answered';
    const hint = reason.code === 'unreachable' ? unreachableHint : '';
    return `${who} ${reason.status} ${reason.code}: ${reason.message}${hint}`;
  }
  if (reason instanceof PromptRejected) return `prompt refused: ${reason.code}: ${reason.message}`;
  if (reason instanceof MaskstreamError) return reason.message;
  const below = reason.cause instanceof Error ? ` (${reason.cause.message})` : '';
  // What the system refuses is the user's to mend; the rest is ours.
  const isOurs = !isSystemError(reason) && codeOf(reason) === 'internal';
  return isOurs ? `internal error: ${reason.message}${below}` : `${reason.message}${below}`;
}

/** Whether an error says only that the run was asked to end. */
export function isCancellation(reason: unknown): boolean {
  if (reason instanceof SegmentationError) {
    return reason.code === 'cancelled' || reason.code === 'shutting-down';
  }
  if (reason instanceof CallFailed) return reason.status === 'CANCELLED';
  return reason instanceof Error && reason.name === 'AbortError';
}

const unreachableHint = ' (is a server running there? One with a certificate needs --tls)';

function codeOf(reason: Error): string {
  return reason instanceof SegmentationError ? reason.code : 'internal';
}

/** Such as EACCES, ENOSPC or EADDRINUSE, with the path in its message. */
function isSystemError(reason: Error): boolean {
  return 'syscall' in reason;
}
