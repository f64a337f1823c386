/** How waiting items are conflated. */
export type ConflationRules<T> = {
  /** Whether a waiting item may go on waiting though a newer one has come. */
  readonly mayWait: (waiting: T) => boolean;
  /**
   * Called with the item that is given up and the newer one that takes its place; returns what
   * waits from now on. Whatever `older` holds must be closed here.
   */
  readonly conflate: (older: T, newer: T) => T;
};

/** So many that come together are no reason to drop one. */
const mostWaiting = 3;

/**
 * LATEST's whole queue: where more than three would wait, or the oldest has waited long enough, the
 * newest takes the place of all.
 */
export class ConflatingQueue<T> {
  readonly #rules: ConflationRules<T>;
  #waiting: T[] = [];

  constructor(rules: ConflationRules<T>) {
    this.#rules = rules;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(item: T): void {
    const { mayWait, conflate } = this.#rules;
    const [oldest] = this.#waiting;
    const isWithinDelay = oldest === undefined || mayWait(oldest);
    this.#waiting.push(item);
    if (this.#waiting.length > mostWaiting || !isWithinDelay) {
      this.#waiting = [this.#waiting.reduce(conflate)];
    }
  }

  /** The oldest item; undefined where none waits. */
  shift(): T | undefined {
    return this.#waiting.shift();
  }

  /** Empties the queue; what waited. */
  clear(): T[] {
    return this.#waiting.splice(0);
  }
}
