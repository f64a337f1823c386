/** A least-squares line through points, with the 95 % interval of its slope. */
export type Trend = { readonly slope: number; readonly low: number; readonly high: number };

/** Two-sided 95 % of Student's t, by degrees of freedom; 1.96 far beyond. */
const students: readonly (readonly [freedom: number, t: number])[] = [
  [1, 12.71],
  [2, 4.3],
  [3, 3.18],
  [5, 2.57],
  [8, 2.31],
  [12, 2.18],
  [20, 2.09],
  [30, 2.04],
  [60, 2.0],
];

/**
 * The trend of points that do not depend on each other: of memory, means of a minute rather than
 * samples, each of which is close to the one before.
 */
export function linearTrend(points: readonly (readonly [x: number, y: number])[]): Trend {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const rest = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  const freedom = Math.max(1, count - 2);
  const error = Math.sqrt(rest / freedom / spread);
  const t = students.findLast(([known]) => known <= freedom)?.[1] ?? 12.71;
  return { slope, low: slope - t * error, high: slope + t * error };
}
