/**
 * Time from which a keyframe counts as slow: its result is carried over the frames since, and tracking
 * keeps sixteen of them, half a second of a camera's.
 */
const slowMs = 250;

/** Times the quickest of late from which a wait before the model, not the model, makes a keyframe slow. */
const queueingRatio = 2;

/** Keyframes among which the quickest is looked for. */
const remembered = 32;

/** What is left of the limit after a keyframe that waited. */
const decreaseRatio = 0.7;

/**
 * How many keyframes are begun before the first one is over. More of them meet in the batches of an
 * inference server and fill the time on the way, until they wait for one another there. So the limit
 * begins at the engine's capacity, shrinks where keyframes are slow and take much longer than the
 * quickest, and grows again: AIMD, as TCP's window.
 */
export class FlightLimit {
  readonly #capacity: () => number;
  readonly #lastMs: number[] = [];
  #window = Number.POSITIVE_INFINITY;

  /** @param capacity most keyframes that the engine can have under way, now */
  constructor(capacity: () => number) {
    this.#capacity = capacity;
  }

  /** Keyframes under way at a time, at least 1. */
  get current(): number {
    return Math.max(1, Math.floor(Math.min(this.#window, this.#capacity())));
  }

  /** Learns how long a keyframe took. */
  learn(tookMs: number): void {
    this.#lastMs.push(tookMs);
    if (this.#lastMs.length > remembered) this.#lastMs.shift();
    const waited = tookMs > slowMs && tookMs > queueingRatio * Math.min(...this.#lastMs);
    // By one for each window of keyframes; what the engine cannot take is not grown into.
    const window = Math.min(this.#window, Math.max(1, this.#capacity()));
    this.#window = waited ? Math.max(1, window * decreaseRatio) : window + 1 / window;
  }
}
