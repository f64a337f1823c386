/**
 * Every way in which a stream, a prompt or a command can fail. Users match on these; `docs/errors.md`
 * says what to do about each, and a test asserts that the two lists agree.
 */
export const errorCodes = [
  // The client's message or prompt is wrong.
  'config-out-of-order',
  'malformed-message',
  'invalid-config',
  'invalid-prompt',
  'unknown-object',
  'duplicate-object',
  'too-many-objects',
  'too-many-prompts',
  'unsupported-prompt',
  'unknown-word',
  'frame-not-held',
  'frame-dropped',
  'frame-never-came',
  'unknown-model',
  // The client's video is wrong.
  'empty-stream',
  'undecodable-video',
  'unsupported-codec',
  'undecodable-image',
  'frame-too-large',
  'size-mismatch',
  // A limit of this server.
  'request-too-large',
  'chunk-too-large',
  'spool-too-large',
  'too-many-streams',
  'no-capacity',
  'server-exhausted',
  'unauthenticated',
  // Something here broke.
  'decoder-failed',
  'decoder-stalled',
  'model-load-failed',
  'model-failed',
  'provider-unavailable',
  'worker-died',
  'inference-unavailable',
  // Somebody stopped it.
  'cancelled',
  'deadline-exceeded',
  'shutting-down',
  // The command line or its files are wrong.
  'usage',
  'unreadable-file',
  'download-failed',
  'nothing-found',
  'unhealthy',
  'batch-incomplete',
  'internal',
] as const;

/** Code of a {@link SegmentationError}. */
export type ErrorCode = (typeof errorCodes)[number];

/**
 * The only error that crosses a folder's door. The message says what was expected and what came;
 * `cause` is for the log and never reaches a client.
 */
export class SegmentationError extends Error {
  readonly code: ErrorCode;
  /** When it is worth while to try again, in milliseconds from now; null: nothing is known. */
  readonly retryAfterMs: number | null;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.name = 'SegmentationError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }

  /** Wraps anything thrown: a SegmentationError stays itself, the rest becomes `internal`. */
  static from(reason: unknown): SegmentationError {
    if (reason instanceof SegmentationError) return reason;
    return new SegmentationError('internal', 'internal error', { cause: reason });
  }
}

/** Marks a branch that the types rule out; throws if it is reached all the same. */
export function assertNever(value: never): never {
  throw new SegmentationError('internal', `unexpected value ${JSON.stringify(value)}`);
}

/** A {@link SegmentationError} of code `usage`: the process ends with exit code 2. */
export function usageError(message: string): SegmentationError {
  return new SegmentationError('usage', message);
}
