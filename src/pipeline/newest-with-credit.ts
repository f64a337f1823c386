import { Observable } from 'rxjs';

/** What happens to items that are overtaken. */
export type NewestOptions<T> = {
  /**
   * Called with the item that is given up and the newer one that takes its place; returns what
   * waits from now on. Whatever `overtaken` holds must be closed here.
   */
  readonly overtake: (overtaken: T, newer: T) => T;
  /** Called with an item that still waits when the subscriber leaves. */
  readonly discard: (waiting: T) => void;
};

/**
 * An Observable that takes items from `source` as fast as they come and emits, for each value of
 * `credit$`, the newest one: at most one item ever waits. This is LATEST's whole queue.
 */
export function newestWithCredit<T>(
  source: AsyncIterable<T>,
  credit$: Observable<unknown>,
  options: NewestOptions<T>,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const iterator = source[Symbol.asyncIterator]();
    let waiting: { readonly item: T } | null = null;
    let credit = 0;
    let ended: { readonly error: unknown } | 'ok' | null = null;
    const emit = (): void => {
      if (credit > 0 && waiting !== null && !subscriber.closed) {
        const { item } = waiting;
        waiting = null;
        credit--;
        subscriber.next(item);
      }
      if (ended === null || waiting !== null) return;
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
          waiting = {
            item: waiting === null ? next.value : options.overtake(waiting.item, next.value),
          };
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
      if (waiting !== null) options.discard(waiting.item);
      waiting = null;
      void iterator.return?.()?.then(undefined, () => undefined);
    });
    void drain();
  });
}
