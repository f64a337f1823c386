/** Slow or odd answers one after the other that open a circuit; a server that is gone opens it at once. */
const failuresToOpen = 3;

/** Pauses between probes of a server that is open. */
const firstProbeMs = 200;
const longestProbeMs = 2000;

/**
 * A circuit breaker: closed while its server answers, open while it does not. Open, the server gets
 * probes instead of calls, and the first one that it passes closes the circuit.
 */
export class Circuit {
  #failures = 0;
  #openBecause: string | null = null;
  #probeMs = firstProbeMs;

  /** Why the circuit is open, as it failed last; null: it is closed. */
  get openBecause(): string | null {
    return this.#openBecause;
  }

  /** Pause before the next probe; grows from one to the next. */
  nextProbeMs(): number {
    const pauseMs = this.#probeMs;
    this.#probeMs = Math.min(longestProbeMs, 2 * pauseMs);
    return pauseMs;
  }

  /** The server answered, or passed a probe. */
  succeed(): void {
    this.#failures = 0;
    this.#openBecause = null;
    this.#probeMs = firstProbeMs;
  }

  /** The server failed. Returns whether that opened the circuit. */
  fail(kind: 'gone' | 'slow' | 'odd', reason: string): boolean {
    this.#failures++;
    const wasOpen = this.#openBecause !== null;
    if (!wasOpen && kind !== 'gone' && this.#failures < failuresToOpen) return false;
    this.#openBecause = reason;
    return !wasOpen;
  }
}
