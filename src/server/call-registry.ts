import { setMaxListeners } from 'node:events';
import { SegmentationError } from '../frame/errors.ts';
import { anyone, type Principal } from './admission/identity.ts';
import type { CallRegistry, Place } from './server-options.ts';

/** Nobody knows when a stream ends; who is refused comes again after so long, and no sooner than that. */
const usualRetryMs = 5_000;
const soonestRetryMs = 1_000;

type LiveCall = {
  /** Tells the call that the server goes away. */
  announce: (() => void) | null;
  readonly principal: Principal;
  /** Ends the call. */
  readonly end: (reason: SegmentationError) => void;
  /** Time that its client was waited for since the last answered frame, in milliseconds. */
  waitedMs: number;
  /** Monotonic time since which it is waited for; null while it is not. */
  waitingSinceMs: number | null;
};

/**
 * Counts the calls of one server, refuses those beyond `maxStreams`, and empties it to shut down. A
 * place is kept by work: where all are taken, the call whose client was waited for longest without an
 * answered frame gives up its own, if that is `maxQuietMs` or more. Time in which the server is busy
 * with what came is not the client's.
 */
export class Calls implements CallRegistry {
  readonly #shutdown = new AbortController();
  readonly #maxStreams: number;
  readonly #maxPerClient: number | null;
  readonly #maxQuietMs: number;
  readonly #nowMs: () => number;
  readonly #live = new Map<number, LiveCall>();
  #nextId = 1;
  #draining = false;
  #whenEmpty: (() => void) | null = null;

  /** @param nowMs monotonic milliseconds */
  constructor(
    limits: {
      readonly maxStreams: number;
      readonly maxQuietMs: number;
      readonly maxStreamsPerClient?: number | null;
    },
    nowMs: () => number = () => performance.now(),
  ) {
    this.#maxStreams = limits.maxStreams;
    this.#maxPerClient = limits.maxStreamsPerClient ?? null;
    this.#maxQuietMs = limits.maxQuietMs;
    this.#nowMs = nowMs;
    // Every call listens: hundreds are no leak.
    setMaxListeners(0, this.#shutdown.signal);
  }

  get shutdown(): AbortSignal {
    return this.#shutdown.signal;
  }

  /** Calls that are being served. */
  get size(): number {
    return this.#live.size;
  }

  enter(end: (reason: SegmentationError) => void, principal: Principal = anyone): Place {
    if (this.#draining) {
      throw new SegmentationError('shutting-down', 'the server is going away');
    }
    this.#checkShare(principal);
    if (this.#live.size >= this.#maxStreams && !this.#endQuietest()) {
      throw new SegmentationError(
        'too-many-streams',
        `at most ${this.#maxStreams} streams at a time, got one more`,
        { retryAfterMs: this.#untilQuietMs() },
      );
    }
    const id = this.#nextId++;
    const call: LiveCall = {
      announce: null,
      principal,
      end,
      waitedMs: 0,
      waitingSinceMs: null,
    };
    const goingAway = new Promise<void>((resolve) => (call.announce = resolve));
    this.#live.set(id, call);
    return {
      id,
      goingAway,
      progress: () => {
        call.waitedMs = 0;
        if (call.waitingSinceMs !== null) call.waitingSinceMs = this.#nowMs();
      },
      waits: (isWaiting) => {
        call.waitedMs = this.#quietMs(call);
        call.waitingSinceMs = isWaiting ? this.#nowMs() : null;
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

  /** Those who have no name have no share either: they may be many. */
  #checkShare(principal: Principal): void {
    if (principal === anyone) return;
    const most = principal.maxStreams ?? this.#maxPerClient;
    if (most === null) return;
    const own = [...this.#live.values()].filter((call) => call.principal.name === principal.name);
    if (own.length < most) return;
    throw new SegmentationError(
      'too-many-streams',
      `at most ${most} streams at a time for ${principal.name}, got one more`,
      { retryAfterMs: usualRetryMs },
    );
  }

  /** Takes the place of the call that has been quiet for longest; false where all do work. */
  #endQuietest(): boolean {
    const quiet = [...this.#live].map(([id, call]) => ({ id, call, quietMs: this.#quietMs(call) }));
    const [quietest] = quiet.toSorted((a, b) => b.quietMs - a.quietMs);
    if (quietest === undefined || quietest.quietMs < this.#maxQuietMs) return false;
    const { id, call, quietMs } = quietest;
    this.#leave(id);
    const waited = `which was waited for ${Math.round(quietMs)} ms without a frame`;
    const message = `another stream needed the place of this one, ${waited}`;
    call.end(new SegmentationError('too-many-streams', message));
    return true;
  }

  /** Until the call that has been quiet for longest would give way, if its client stays as it is. */
  #untilQuietMs(): number {
    const quiet = Math.max(0, ...[...this.#live.values()].map((call) => this.#quietMs(call)));
    return Math.min(usualRetryMs, Math.max(soonestRetryMs, this.#maxQuietMs - quiet));
  }

  #quietMs({ waitedMs, waitingSinceMs }: LiveCall): number {
    return waitedMs + (waitingSinceMs === null ? 0 : this.#nowMs() - waitingSinceMs);
  }

  #leave(id: number): void {
    if (!this.#live.delete(id)) return;
    if (this.#live.size === 0) this.#whenEmpty?.();
  }
}
