/**
 * A queue with back-pressure: the producer waits for room, the consumer for items. The producer
 * may overfill it (one frame can bring several events), but waits before it starts the next frame.
 */
export class EventQueue<T> {
  #bound: number;
  readonly #items: T[] = [];
  #ended: { readonly error: unknown } | 'ok' | null = null;
  #wakeConsumer: (() => void) | null = null;
  #wakeProducers: (() => void)[] = [];

  /** @param bound items from which the producer waits */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** Adds an item; after the end it is ignored. */
  push(item: T): void {
    if (this.#ended !== null) return;
    this.#items.push(item);
    this.#wakeConsumer?.();
  }

  /** Resolves when the queue is below its bound, or has ended. */
  async room(): Promise<void> {
    while (this.#items.length >= this.#bound && this.#ended === null) {
      await new Promise<void>((resolve) => this.#wakeProducers.push(resolve));
    }
  }

  /** From now on there is always room: the producer is to wind up. */
  unbound(): void {
    this.#bound = Number.POSITIVE_INFINITY;
    this.#wake();
  }

  /** No more items; the consumer still gets those that are queued. */
  end(): void {
    this.#finish('ok');
  }

  /** As `end`, and then the consumer gets `error`. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Items in order; for one consumer. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#wake();
        yield item;
      } else if (this.#ended === null) {
        await new Promise<void>((resolve) => (this.#wakeConsumer = resolve));
        this.#wakeConsumer = null;
      } else if (this.#ended === 'ok') {
        return;
      } else {
        throw this.#ended.error;
      }
    }
  }

  #finish(how: { readonly error: unknown } | 'ok'): void {
    this.#ended ??= how;
    this.#wakeConsumer?.();
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakeProducers.splice(0)) wake();
  }
}
