import { deferred, type Deferred } from './deferred.ts';

/** Tells the source of a {@link ResultQueue} when to stop and go on. */
export type QueueFlow = { pause(): unknown; resume(): unknown };

/**
 * Results that were read and not yet taken, at most about `maxResults`. It fills while nobody takes
 * results, so that acknowledgements behind them still arrive.
 */
export class ResultQueue<T> {
  readonly #results: T[] = [];
  readonly #waiting: Deferred<IteratorResult<T, undefined>>[] = [];
  readonly #flow: QueueFlow;
  readonly #maxResults: number;
  #paused = false;
  #end: { readonly error: Error | null } | null = null;

  constructor(flow: QueueFlow, maxResults: number) {
    this.#flow = flow;
    this.#maxResults = maxResults;
  }

  /** Hands over a result. */
  push(value: T): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next.resolve({ done: false, value });
      return;
    }
    this.#results.push(value);
    if (this.#results.length >= this.#maxResults && !this.#paused) {
      this.#paused = true;
      this.#flow.pause();
    }
  }

  /** Ends the results: what was pushed is still delivered, then the end or the error. */
  close(error: Error | null): void {
    this.#end ??= { error };
    for (const next of this.#waiting.splice(0)) this.#settle(next);
  }

  /** Takes the next result. */
  take(): Promise<IteratorResult<T, undefined>> {
    const next = deferred<IteratorResult<T, undefined>>();
    const value = this.#results.shift();
    if (value !== undefined) {
      next.resolve({ done: false, value });
      if (this.#paused && this.#results.length <= this.#maxResults / 2) {
        this.#paused = false;
        this.#flow.resume();
      }
    } else if (this.#end === null) this.#waiting.push(next);
    else this.#settle(next);
    return next.promise;
  }

  #settle(next: Deferred<IteratorResult<T, undefined>>): void {
    const error = this.#end?.error ?? null;
    if (error === null) next.resolve({ done: true, value: undefined });
    else next.reject(error);
  }
}
