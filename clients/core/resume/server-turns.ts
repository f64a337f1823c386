import { type BackOff, type Clock, pauseBefore } from './back-off.ts';

const defaultBackOff: BackOff = { firstMs: 100, mostMs: 5_000 };
const defaultGiveUpAfterMs = 60_000;

/** What {@link ServerTurns} goes by; see `ResumingCallOptions`. */
export type ServerTurnsOptions = {
  readonly backOff?: BackOff;
  readonly giveUpAfterMs?: number;
  readonly random?: () => number;
};

/**
 * Which server is asked next, after which pause, and for how long a stream without an answer goes on
 * asking.
 */
export class ServerTurns {
  /** No frame has come since the last interruption. */
  isResuming = false;
  readonly #servers: number;
  readonly #nowMs: Clock['nowMs'];
  readonly #options: ServerTurnsOptions;
  #turn = 0;
  /** Calls that broke since the last answered frame. */
  #attempt = 0;
  /** Of each server that was asked: the monotonic time before which it is not asked again. */
  readonly #notBeforeMs: number[] = [];
  #brokeAtMs: number;

  constructor(servers: number, nowMs: Clock['nowMs'], options: ServerTurnsOptions) {
    this.#servers = servers;
    this.#nowMs = nowMs;
    this.#options = options;
    this.#brokeAtMs = nowMs();
  }

  /** Place of the server whose turn it is. */
  get current(): number {
    return this.#turn % this.#servers;
  }

  /**
   * Whether another call is worth while. A stream that never began is not waited for: each server is
   * asked once.
   */
  mayGoOn(hasBegun: boolean): boolean {
    if (!hasBegun && this.#attempt + 1 >= this.#servers) return false;
    const { giveUpAfterMs = defaultGiveUpAfterMs } = this.#options;
    return !(this.isResuming && this.#nowMs() - this.#brokeAtMs >= giveUpAfterMs);
  }

  /**
   * The call broke, or its server is going away: it is the next one's turn.
   *
   * @param retryAfterMs from when on the server may be asked again; 0 where it did not say
   * @returns the pause before it is asked, in milliseconds
   */
  next(hasBegun: boolean, retryAfterMs: number): number {
    const { random = Math.random, backOff = defaultBackOff } = this.#options;
    if (!this.isResuming) this.#brokeAtMs = this.#nowMs();
    this.isResuming = true;
    this.#notBeforeMs[this.current] = this.#nowMs() + retryAfterMs;
    this.#turn++;
    const ownMs = hasBegun ? pauseBefore(this.#attempt, backOff, random()) : 0;
    this.#attempt++;
    const hintedMs = (this.#notBeforeMs[this.current] ?? 0) - this.#nowMs();
    // Behind the hint, so that those who got the same one do not come back at one time.
    return Math.max(0, hintedMs) + ownMs;
  }

  /** A stream that its owner had suspended goes on: nobody was away meanwhile. */
  restart(): void {
    this.#brokeAtMs = this.#nowMs();
    this.#attempt = 1;
  }

  /** A new frame came. Returns how long none did, in milliseconds. */
  answered(): number {
    this.isResuming = false;
    this.#attempt = 0;
    return this.#nowMs() - this.#brokeAtMs;
  }
}
