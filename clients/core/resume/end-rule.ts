import type { CallEnd } from '../video-call.ts';

/** gRPC status codes. */
const ok = 0;
const deadlineExceeded = 4;
const resourceExhausted = 8;

/** Codes of a server that says: come again, or go elsewhere. */
export const comeAgain: ReadonlySet<string> = new Set([
  'shutting-down',
  'loading',
  'inference-unavailable',
]);

/** Codes of a server that has no room: another one may have, once the stream has lost its own. */
export const noRoom: ReadonlySet<string> = new Set([
  'too-many-streams',
  'no-capacity',
  'server-exhausted',
]);

/**
 * Whether a call's end is the stream's. The server's own codes are, since the same would come again;
 * so is the deadline, which the caller set, and a message that is too large for the transport. Every
 * other end without a code came from what lies between, or from a server that died.
 */
export function isFinal(
  { code, errorCode }: CallEnd,
  { isResuming }: { readonly isResuming: boolean },
): boolean {
  if (code === ok || code === deadlineExceeded) return true;
  if (errorCode === null) return code === resourceExhausted;
  if (comeAgain.has(errorCode)) return false;
  return !(isResuming && noRoom.has(errorCode));
}
