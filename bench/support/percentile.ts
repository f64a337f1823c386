/** The smallest value that at least `ratio` of all values do not exceed; NaN of nothing. */
export function percentile(values: readonly number[], ratio: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(ratio * sorted.length) - 1)] ?? Number.NaN;
}
