import { Observable } from 'rxjs';

/**
 * Credit-based back-pressure: an Observable that takes one item from `source` for each value of
 * `credit$`, and no more. RxJS has no back-pressure of its own, so pixels enter it only when somebody has room for them. Credit that
 * comes while an item is being taken is remembered. Unsubscribing ends the source.
 *
 * @param discard called with an item that comes after the subscriber has left
 */
export function pullWithCredit<T>(
  source: AsyncIterable<T>,
  credit$: Observable<unknown>,
  discard: (item: T) => void,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const iterator = source[Symbol.asyncIterator]();
    let credit = 0;
    let pulling = false;
    const pull = async (): Promise<void> => {
      if (pulling) return;
      pulling = true;
      try {
        while (credit > 0 && !subscriber.closed) {
          credit--;
          const next = await iterator.next();
          if (next.done) {
            subscriber.complete();
            return;
          }
          if (subscriber.closed) discard(next.value);
          else subscriber.next(next.value);
        }
      } catch (error) {
        subscriber.error(error);
      } finally {
        pulling = false;
      }
    };
    subscriber.add(
      credit$.subscribe(() => {
        credit++;
        void pull();
      }),
    );
    // A source that is unsubscribed in the middle of a pull is ended all the same.
    subscriber.add(() => void iterator.return?.()?.then(undefined, () => undefined));
  });
}
