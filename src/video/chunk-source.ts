import { SegmentationError } from '../frame/errors.ts';

/** Encoded bytes pulled one chunk at a time; chunks can be put back, and waiting ends with a signal. */
export class ChunkSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal;
  readonly #returned: Uint8Array[] = [];
  #ended = false;
  /** What was asked of the sender and nobody has taken. */
  #pending: Promise<IteratorResult<Uint8Array>> | null = null;

  constructor(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    this.#iterator = chunks[Symbol.asyncIterator]();
    this.#signal = signal;
  }

  /**
   * The next chunk that is not empty; null at the end, and as soon as `until` fires: what comes then is
   * for the next call. Rejects when the source's own signal fires.
   */
  async next(until?: AbortSignal): Promise<Uint8Array | null> {
    const returned = this.#returned.shift();
    if (returned !== undefined) return returned;
    while (!this.#ended) {
      this.#pending ??= this.#iterator.next();
      const arriving = abortable(this.#pending, this.#signal);
      const result = until === undefined ? await arriving : await orNull(arriving, until);
      if (result === null) return null;
      this.#pending = null;
      if (result.done === true) this.#ended = true;
      else if (result.value.length > 0) return result.value;
    }
    return null;
  }

  /** Puts chunks back in front, in their order. */
  unread(chunks: readonly Uint8Array[]): void {
    this.#returned.unshift(...chunks);
  }

  /** Tells the sender that no more is wanted. Not awaited: a sender may be in the middle of a wait. */
  close(): void {
    this.#returned.length = 0;
    if (this.#ended) return;
    this.#ended = true;
    this.#iterator.return?.().catch(() => undefined);
  }
}

/** `promise`, or a rejection as soon as the signal fires. No listener stays behind. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      reject(cancelled(signal));
    };
    const settle = (): void => signal.removeEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(settle).catch(settle);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * `promise`, or null as soon as the signal fires. Not `Promise.race`: racing against a promise that
 * lives as long as the stream keeps a reaction for every chunk.
 */
export async function orNull<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await abortable(promise, signal);
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

/** The error of a signal: its own reason where that is ours, else `cancelled`. */
export function cancelled(signal: AbortSignal): SegmentationError {
  const reason: unknown = signal.reason;
  if (reason instanceof SegmentationError) return reason;
  return new SegmentationError('cancelled', 'decoding was cancelled', { cause: reason });
}
