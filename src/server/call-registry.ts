import { SegmentationError } from '../frame/errors.ts';
import type { CallRegistry, Place } from './server-options.ts';

type LiveCall = {
  /** Tells the call that the server goes away. */
  announce: (() => void) | null;
  /** Ends the call. */
  readonly end: (reason: SegmentationError) => void;
  /** Monotonic time of its last progress, in milliseconds. */
  quietSinceMs: number;
};

/**
 * Counts the calls of one server, refuses those beyond `maxStreams`, and empties it to shut down. A
 * place is kept by work: where all are taken, the call that has been quiet for longest gives up its
 * own, if that is `maxQuietMs` or more.
 */
export class Calls implements CallRegistry {
  readonly #shutdown = new AbortController();
  readonly #maxStreams: number;
  readonly #maxQuietMs: number;
  readonly #nowMs: () => number;
  readonly #live = new Map<number, LiveCall>();
  #nextId = 1;
  #draining = false;
  #whenEmpty: (() => void) | null = null;

  /** @param nowMs monotonic milliseconds */
  constructor(
    limits: { readonly maxStreams: number; readonly maxQuietMs: number },
    nowMs: () => number = () => performance.now(),
  ) {
    this.#maxStreams = limits.maxStreams;
    this.#maxQuietMs = limits.maxQuietMs;
    this.#nowMs = nowMs;
  }

  get shutdown(): AbortSignal {
    return this.#shutdown.signal;
  }

  /** Calls that are being served. */
  get size(): number {
    return this.#live.size;
  }

  enter(end: (reason: SegmentationError) => void): Place {
    if (this.#draining) {
      throw new SegmentationError('shutting-down', 'the server is going away');
    }
    if (this.#live.size >= this.#maxStreams && !this.#endQuietest()) {
      throw new SegmentationError(
        'too-many-streams',
        `at most ${this.#maxStreams} streams at a time, got one more`,
      );
    }
    const id = this.#nextId++;
    const call: LiveCall = { announce: null, end, quietSinceMs: this.#nowMs() };
    const goingAway = new Promise<void>((resolve) => (call.announce = resolve));
    this.#live.set(id, call);
    return {
      id,
      goingAway,
      progress: () => {
        call.quietSinceMs = this.#nowMs();
      },
      [Symbol.dispose]: () => this.#leave(id),
    };
  }

  /** Refuses new calls and tells the live ones; resolves when all ended, at the latest by abort. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    for (const { announce } of this.#live.values()) announce?.();
    if (this.#live.size === 0) return;
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    const timer = setTimeout(() => this.abort(), graceMs);
    await empty;
    clearTimeout(timer);
  }

  /** Ends every live call. */
  abort(): void {
    this.#shutdown.abort(new SegmentationError('shutting-down', 'the server is going away'));
  }

  /** Takes the place of the call that has been quiet for longest; false where all do work. */
  #endQuietest(): boolean {
    const [quietest] = [...this.#live].toSorted(([, a], [, b]) => a.quietSinceMs - b.quietSinceMs);
    if (quietest === undefined) return false;
    const [id, { quietSinceMs, end }] = quietest;
    const quietMs = Math.round(this.#nowMs() - quietSinceMs);
    if (quietMs < this.#maxQuietMs) return false;
    this.#leave(id);
    const message = `another stream needed the place of this one, which had no frame for ${quietMs} ms`;
    end(new SegmentationError('too-many-streams', message));
    return true;
  }

  #leave(id: number): void {
    if (!this.#live.delete(id)) return;
    if (this.#live.size === 0) this.#whenEmpty?.();
  }
}
