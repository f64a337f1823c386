import type { CallEnd } from '../video-call.ts';
import { type BackOff, pauseBefore } from './back-off.ts';
import { comeAgain, noRoom } from './end-rule.ts';

/** One call for each server, or so many. */
const mostAttempts = 3;

const backOff: BackOff = { firstMs: 100, mostMs: 5_000 };

/** Statuses without a code of the server's own of a call that was cut off, by a proxy or a death. */
const cutOff: ReadonlySet<number> = new Set([
  1, // CANCELLED
  2, // UNKNOWN
  10, // ABORTED
  13, // INTERNAL
  14, // UNAVAILABLE
]);

/** A fault there: the same input may bring it again. */
const tryOnce: ReadonlySet<string> = new Set([
  'internal',
  'worker-died',
  'model-failed',
  'decoder-failed',
]);

/**
 * When a call of one question and one answer is asked again, and whom (docs/errors.md): each server at
 * once, then in turns with pauses. It does not wait itself. The Python client has the same rules, and
 * the same cases as its tests (test/fixtures/unary-attempts.json).
 */
export class UnaryAttempts {
  readonly #servers: number;
  readonly #random: () => number;
  /** Of each server that said so: milliseconds from its refusal after which it is worth asking. */
  readonly #hintsMs = new Map<number, number>();
  #attempt = 0;
  #faults = 0;

  /** @param random 0..1 */
  constructor(servers: number, random: () => number = Math.random) {
    this.#servers = servers;
    this.#random = random;
  }

  /** Number of the server to ask. */
  get server(): number {
    return this.#attempt % this.#servers;
  }

  /** Milliseconds to wait before {@link server} is asked; null: this failure is the answer. */
  pauseAfter(end: CallEnd): number | null {
    const { retryAfterMs = null } = end;
    if (retryAfterMs !== null) this.#hintsMs.set(this.server, retryAfterMs);
    this.#attempt++;
    const isLast = this.#attempt >= Math.max(mostAttempts, this.#servers);
    if (isLast || !this.#mayHelp(end)) return null;
    const repeated = this.#attempt - this.#servers;
    if (repeated < 0) return 0;
    const hintMs = this.#hintsMs.get(this.server) ?? 0;
    this.#hintsMs.delete(this.server);
    return hintMs + pauseBefore(repeated, backOff, this.#random());
  }

  #mayHelp({ code, errorCode }: CallEnd): boolean {
    if (errorCode === null) return cutOff.has(code);
    if (tryOnce.has(errorCode)) return ++this.#faults === 1;
    return comeAgain.has(errorCode) || noRoom.has(errorCode);
  }
}
