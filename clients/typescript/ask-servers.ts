import { setTimeout as wait } from 'node:timers/promises';
import type { ServiceError } from '@grpc/grpc-js';
import { UnaryAttempts } from '../core/resume/unary-attempts.ts';
import { CallFailed, sentErrorCode, sentRetryAfterMs } from './errors.ts';

/** Bounds of a question, all its attempts together. */
export type AskBounds = {
  /** Milliseconds since 1970; null: none. */
  readonly deadlineMs: number | null;
  readonly signal?: AbortSignal | undefined;
};

/** Starts a call and says how it ended; what it returns drops it. */
type StartCall<T> = (done: (error: ServiceError | null, response: T) => void) => {
  cancel(): void;
};

/**
 * Asks one of several servers, and where that may help the next one, or the same one again after a
 * pause ({@link UnaryAttempts}). Rejects with {@link CallFailed} of the last one asked.
 *
 * @param servers one question each, in the order in which they are asked
 */
export async function askServers<T>(
  servers: readonly StartCall<T>[],
  { deadlineMs, signal }: AskBounds,
): Promise<T> {
  const attempts = new UnaryAttempts(servers.length);
  for (;;) {
    try {
      return await ask(servers[attempts.server]!, signal);
    } catch (reason) {
      if (!(reason instanceof AskFailed)) throw reason;
      const { failure, error } = reason;
      const pauseMs = signal?.aborted
        ? null
        : attempts.pauseAfter({
            code: error.code,
            message: failure.message,
            errorCode: sentErrorCode(error.metadata),
            retryAfterMs: sentRetryAfterMs(error.metadata),
          });
      const isOver = deadlineMs !== null && Date.now() + (pauseMs ?? 0) >= deadlineMs;
      if (pauseMs === null || isOver) throw failure;
      // Whoever stops waiting is told as by a call that is dropped.
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** A failure beside what gRPC said of it. */
class AskFailed extends Error {
  readonly failure: CallFailed;
  readonly error: ServiceError;

  constructor(failure: CallFailed, error: ServiceError) {
    super(failure.message, { cause: error });
    this.failure = failure;
    this.error = error;
  }
}

function ask<T>(start: StartCall<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    let cancel: (() => void) | null = null;
    const call = start((error, response) => {
      if (cancel !== null) signal?.removeEventListener('abort', cancel);
      if (error === null) resolve(response);
      else {
        const failure = new CallFailed(error, { cancelled: signal?.aborted ?? false });
        reject(new AskFailed(failure, error));
      }
    });
    cancel = () => call.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}
