/** A per-frame score of one object, summed up as davis2017-evaluation does. */
export type SeriesStatistics = {
  readonly mean: number;
  /** Share of frames above 0.5. */
  readonly recall: number;
  /** Mean of the first quarter minus mean of the last: drift. */
  readonly decay: number;
};

const quarters = 4;

/** Sums up the scores of one object in frame order; NaN where there is none. */
export function seriesStatistics(scores: readonly number[]): SeriesStatistics {
  // Neighbouring quarters share their border frame, as in the reference.
  const borders = Array.from(
    { length: quarters + 1 },
    (_, index) => Math.round(1 + ((scores.length - 1) * index) / quarters + 1e-10) - 1,
  );
  const quarter = (index: number) =>
    mean(scores.slice(borders[index] ?? 0, (borders[index + 1] ?? 0) + 1));
  return {
    mean: mean(scores),
    recall: mean(scores.map((score) => (score > 0.5 ? 1 : 0))),
    decay: quarter(0) - quarter(quarters - 1),
  };
}

/** Arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
