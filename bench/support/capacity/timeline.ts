import TinyQueue from 'tinyqueue';

type Event = { readonly atMs: number; readonly order: number; readonly happen: () => void };

/** The clock of a discrete-event simulation: events in order of time, equal times in order of entry. */
export class Timeline {
  readonly #events = new TinyQueue<Event>([], (a, b) => a.atMs - b.atMs || a.order - b.order);
  #soon: (() => void)[] = [];
  #order = 0;
  #nowMs = 0;

  /** Simulated milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets something happen after so many milliseconds, at least 0. */
  after(ms: number, happen: () => void): void {
    this.#events.push({ atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, happen });
  }

  /** As `after`; returns what calls it off. */
  cancellable(ms: number, happen: () => void): () => void {
    let isOff = false;
    this.after(ms, () => {
      if (!isOff) happen();
    });
    return () => (isOff = true);
  }

  /** Lets something happen once what happens now is over, before anything later. */
  soon(happen: () => void): void {
    this.#soon.push(happen);
  }

  /** Runs all events up to and at that time. */
  runUntil(endMs: number): void {
    while (this.step(endMs));
  }

  /** Runs the next event up to and at that time; false where there is none, and it is that time. */
  step(endMs: number): boolean {
    this.#finish();
    const next = this.#events.peek();
    if (next === undefined || next.atMs > endMs) {
      this.#nowMs = Math.max(this.#nowMs, endMs);
      return false;
    }
    this.#events.pop();
    this.#nowMs = next.atMs;
    next.happen();
    this.#finish();
    return true;
  }

  #finish(): void {
    while (this.#soon.length > 0) {
      const soon = this.#soon;
      this.#soon = [];
      for (const happen of soon) happen();
    }
  }
}
