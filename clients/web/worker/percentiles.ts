/** The newest values of a series, for its percentiles. */
export class RecentValues {
  readonly #values: number[] = [];
  readonly #most: number;

  /** @param most values that are kept */
  constructor(most: number) {
    this.#most = most;
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.#most) this.#values.shift();
  }

  get count(): number {
    return this.#values.length;
  }

  /** The value that `ratio` of the kept ones do not exceed; null of none. */
  percentile(ratio: number): number | null {
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(ratio * sorted.length) - 1)] ?? null;
  }
}
