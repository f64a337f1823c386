/** What became of one camera's frames. */
export class StreamRecord {
  /** Numbers in [0, 1). */
  readonly random: () => number;
  keyframes = 0;
  refined = 0;
  captured = 0;
  readonly #answers: { readonly capturedAtMs: number; readonly latencyMs: number }[] = [];

  constructor(random: () => number) {
    this.random = random;
  }

  answer(capturedAtMs: number, nowMs: number): void {
    this.#answers.push({ capturedAtMs, latencyMs: nowMs - capturedAtMs });
  }

  /** Latencies of the answers to frames captured in that time. */
  latencies(fromMs: number, toMs: number): number[] {
    return this.#answers.flatMap(({ capturedAtMs, latencyMs }) =>
      capturedAtMs >= fromMs && capturedAtMs < toMs ? [latencyMs] : [],
    );
  }
}
