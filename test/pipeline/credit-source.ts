/** An item that must be closed exactly once. */
export type Closable = { readonly id: number; closes: number };

/** A source of closable items that a test feeds, and what became of it. */
export class CreditSource implements AsyncIterable<Closable> {
  readonly made: Closable[] = [];
  returned = 0;
  #limit = 0;
  #end: 'open' | 'ended' | { readonly error: unknown } = 'open';
  #wake: (() => void) | null = null;

  /** From now on there are this many more items. */
  offer(count: number): this {
    this.#limit += count;
    this.#wake?.();
    return this;
  }

  end(): this {
    this.#end = 'ended';
    this.#wake?.();
    return this;
  }

  fail(error: unknown): this {
    this.#end = { error };
    this.#wake?.();
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterator<Closable, void> {
    return {
      next: async () => {
        for (;;) {
          if (this.made.length < this.#limit) {
            const value = { id: this.made.length, closes: 0 };
            this.made.push(value);
            return { done: false, value };
          }
          if (this.#end === 'ended') return { done: true, value: undefined };
          if (this.#end !== 'open') throw this.#end.error;
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      },
      return: async () => {
        this.returned++;
        return { done: true, value: undefined };
      },
    };
  }
}

/** Closes an item. */
export function close(item: Closable): void {
  item.closes++;
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
