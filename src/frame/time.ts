/** Time inside is integer microseconds as `number`; these are the only conversions. */
export const microsecondsPerSecond = 1_000_000;

/** Rounds `ticks` of a time base of `numerator / denominator` seconds to microseconds. */
export function microsecondsFromTicks(
  ticks: number,
  timeBase: { readonly numerator: number; readonly denominator: number },
): number {
  return Math.round((ticks * timeBase.numerator * microsecondsPerSecond) / timeBase.denominator);
}

/** Microseconds between two readings of a millisecond clock, rounded, at least 0. */
export function microsecondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.round((toMs - fromMs) * 1000));
}

/** setTimeout fires at once beyond this: 24.8 days. */
export const longestTimerMs = 2 ** 31 - 1;
