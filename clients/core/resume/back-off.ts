/** Time, so that tests can hold it. */
export type Clock = {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Calls `action` once, `delayMs` from now; what it returns takes that back. */
  readonly later: (delayMs: number, action: () => void) => () => void;
};

/** The time of this machine. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  later: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Pauses between attempts, in milliseconds. */
export type BackOff = { readonly firstMs: number; readonly mostMs: number };

/**
 * Pause before an attempt, which doubles with each one, up to `mostMs`. Between half of it and all of
 * it, so that clients which a dead server left do not all come back at one time.
 *
 * @param attempt 0 for the first one
 * @param random 0..1
 */
export function pauseBefore(attempt: number, { firstMs, mostMs }: BackOff, random: number): number {
  const wholeMs = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30));
  return wholeMs * (0.5 + random / 2);
}
