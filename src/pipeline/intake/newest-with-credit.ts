import { Observable } from 'rxjs';
import { ConflatingQueue, type ConflationRules } from './conflating-queue.ts';

/** How waiting items are conflated, and what becomes of those that nobody takes. */
export type NewestOptions<T> = ConflationRules<T> & {
  /** Called with each item that still waits when the subscriber leaves. */
  readonly discard: (waiting: T) => void;
};

/**
 * An Observable that takes items from `source` as fast as they come and emits, for each value of
 * `credit$`, the oldest that waits in a {@link ConflatingQueue}.
 */
export function newestWithCredit<T>(
  source: AsyncIterable<T>,
  credit$: Observable<unknown>,
  options: NewestOptions<T>,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const iterator = source[Symbol.asyncIterator]();
    const waiting = new ConflatingQueue(options);
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
          waiting.push(next.value);
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
      for (const item of waiting.clear()) options.discard(item);
      void iterator.return?.()?.then(undefined, () => undefined);
    });
    void drain();
  });
}
