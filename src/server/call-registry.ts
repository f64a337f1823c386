import { SegmentationError } from '../frame/errors.ts';
import type { CallRegistry, Place } from './server-options.ts';

/** Counts the calls of one server, refuses those beyond `maxStreams`, and empties it to shut down. */
export class Calls implements CallRegistry {
  readonly #shutdown = new AbortController();
  readonly #maxStreams: number;
  /** By id, how to tell each call that the server goes away. */
  readonly #live = new Map<number, () => void>();
  #nextId = 1;
  #draining = false;
  #whenEmpty: (() => void) | null = null;

  constructor(maxStreams: number) {
    this.#maxStreams = maxStreams;
  }

  get shutdown(): AbortSignal {
    return this.#shutdown.signal;
  }

  /** Calls that are being served. */
  get size(): number {
    return this.#live.size;
  }

  enter(): Place {
    if (this.#draining) {
      throw new SegmentationError('shutting-down', 'the server is going away');
    }
    if (this.#live.size >= this.#maxStreams) {
      throw new SegmentationError(
        'too-many-streams',
        `at most ${this.#maxStreams} streams at a time, got one more`,
      );
    }
    const id = this.#nextId++;
    const goingAway = new Promise<void>((resolve) => this.#live.set(id, resolve));
    return { id, goingAway, [Symbol.dispose]: () => this.#leave(id) };
  }

  /** Refuses new calls and tells the live ones; resolves when all ended, at the latest by abort. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    for (const announce of this.#live.values()) announce();
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

  #leave(id: number): void {
    this.#live.delete(id);
    if (this.#live.size === 0) this.#whenEmpty?.();
  }
}
