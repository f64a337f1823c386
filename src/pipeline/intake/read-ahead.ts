/** Options of {@link readAhead}. */
export type ReadAheadOptions<T> = {
  /** Most items that are read before they are asked for. */
  readonly depth: number;
  /** Called once for each item as it is read. */
  readonly onRead: (item: T) => void;
  /** Called with items that were read and are not wanted any more. */
  readonly discard: (item: T) => void;
};

/**
 * Reads a few items before they are asked for, so that work on them can begin early. Order, content
 * and end stay as they are, and an item that is there is never held back.
 */
export async function* readAhead<T>(
  source: AsyncIterable<T>,
  options: ReadAheadOptions<T>,
): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  const ready: T[] = [];
  let ended: { readonly error: unknown } | 'ok' | null = null;
  const reader = { closed: false };
  let wake: (() => void)[] = [];
  const notify = (): void => {
    for (const resolve of wake.splice(0)) resolve();
  };
  const change = (): Promise<void> => new Promise((resolve) => wake.push(resolve));
  const fill = async (): Promise<void> => {
    try {
      while (!reader.closed) {
        const next = await iterator.next();
        if (next.done) break;
        if (reader.closed) {
          options.discard(next.value);
          break;
        }
        options.onRead(next.value);
        ready.push(next.value);
        notify();
        while (ready.length >= options.depth && !reader.closed) await change();
      }
      ended = 'ok';
    } catch (error) {
      ended = { error };
    }
    notify();
  };
  const filled = fill();
  try {
    for (;;) {
      const item = ready.shift();
      if (item !== undefined) {
        notify();
        yield item;
      } else if (ended === null) {
        await change();
      } else if (ended === 'ok') {
        return;
      } else {
        throw (ended as { readonly error: unknown }).error;
      }
    }
  } finally {
    reader.closed = true;
    notify();
    for (const item of ready.splice(0)) options.discard(item);
    await iterator.return?.();
    await filled;
    for (const item of ready.splice(0)) options.discard(item);
    wake = [];
  }
}
