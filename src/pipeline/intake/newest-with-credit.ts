import { Observable } from 'rxjs';

/** How waiting items are conflated. */
export type NewestOptions<T> = {
  /** Whether a waiting item may go on waiting though a newer one has come. */
  readonly mayWait: (waiting: T) => boolean;
  /**
   * Called with the item that is given up and the newer one that takes its place; returns what
   * waits from now on. Whatever `older` holds must be closed here.
   */
  readonly conflate: (older: T, newer: T) => T;
  /** Called with each item that still waits when the subscriber leaves. */
  readonly discard: (waiting: T) => void;
};

/** So many that come together are no reason to drop one. */
const mostWaiting = 3;

/**
 * An Observable that takes items from `source` as fast as they come and emits, for each value of
 * `credit$`, the oldest that waits. Where more than three would wait, or the oldest has waited long
 * enough, the newest takes the place of all. This is LATEST's whole queue.
 */
export function newestWithCredit<T>(
  source: AsyncIterable<T>,
  credit$: Observable<unknown>,
  options: NewestOptions<T>,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const iterator = source[Symbol.asyncIterator]();
    let waiting: T[] = [];
    let credit = 0;
    let ended: { readonly error: unknown } | 'ok' | null = null;
    const emit = (): void => {
      while (credit > 0 && waiting.length > 0 && !subscriber.closed) {
        credit--;
        subscriber.next(waiting.shift()!);
      }
      if (ended === null || waiting.length > 0) return;
      if (ended === 'ok') subscriber.complete();
      else subscriber.error(ended.error);
    };
    const drain = async (): Promise<void> => {
      try {
        for (;;) {
          const next = await iterator.next();
          if (next.done) break;
          if (subscriber.closed) {
            options.discard(next.value);
            return;
          }
          const [oldest] = waiting;
          const isWithinDelay = oldest === undefined || options.mayWait(oldest);
          waiting.push(next.value);
          if (waiting.length > mostWaiting || !isWithinDelay) {
            waiting = [waiting.reduce(options.conflate)];
          }
          emit();
        }
        ended = 'ok';
      } catch (error) {
        // What came before the failure is still handed out.
        ended = { error };
      }
      emit();
    };
    subscriber.add(
      credit$.subscribe(() => {
        credit++;
        emit();
      }),
    );
    subscriber.add(() => {
      for (const item of waiting) options.discard(item);
      waiting = [];
      void iterator.return?.()?.then(undefined, () => undefined);
    });
    void drain();
  });
}
