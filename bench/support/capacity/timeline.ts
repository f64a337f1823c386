import TinyQueue from 'tinyqueue';

type Event = { readonly atMs: number; readonly order: number; readonly happen: () => void };

/** The clock of a discrete-event simulation: events in order of time, equal times in order of entry. */
export class Timeline {
  readonly #events = new TinyQueue<Event>([], (a, b) => a.atMs - b.atMs || a.order - b.order);
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

  /** Runs all events up to and at that time. */
  runUntil(endMs: number): void {
    for (let next = this.#events.peek(); next && next.atMs <= endMs; next = this.#events.peek()) {
      this.#events.pop();
      this.#nowMs = next.atMs;
      next.happen();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }
}
