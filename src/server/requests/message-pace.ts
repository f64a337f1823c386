/** A pause is worth a timer from this on. */
const shortestPauseMs = 5;

/**
 * Token bucket for the messages of one call: a message costs the thread that all calls share the same
 * whether it brings a megabyte or a byte. One second's worth may come at once.
 */
export class MessagePace {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  #tokens: number;
  #refilledMs: number;

  /** @param nowMs monotonic milliseconds */
  constructor(perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
    this.#tokens = perSecond;
    this.#refilledMs = nowMs();
  }

  /** Takes one message; returns how long to wait before it is worked on, in milliseconds. */
  take(): number {
    const nowMs = this.#nowMs();
    const refill = ((nowMs - this.#refilledMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + refill) - 1;
    this.#refilledMs = nowMs;
    const pauseMs = (-this.#tokens / this.#perSecond) * 1000;
    return pauseMs < shortestPauseMs ? 0 : pauseMs;
  }
}
