/** What became of one camera's frames. */
export class StreamRecord {
  keyframes = 0;
  readonly #capturedAtMs: number[] = [];
  readonly #answers: { readonly capturedAtMs: number; readonly latencyMs: number }[] = [];

  capture(nowMs: number): void {
    this.#capturedAtMs.push(nowMs);
  }

  answer(capturedAtMs: number, nowMs: number): void {
    this.#answers.push({ capturedAtMs, latencyMs: nowMs - capturedAtMs });
  }

  /** Frames captured in that time. */
  captured(fromMs: number, toMs: number): number {
    return this.#capturedAtMs.filter((atMs) => atMs >= fromMs && atMs < toMs).length;
  }

  /** Latencies of the answers to frames captured in that time. */
  latencies(fromMs: number, toMs: number): number[] {
    return this.#answers.flatMap(({ capturedAtMs, latencyMs }) =>
      capturedAtMs >= fromMs && capturedAtMs < toMs ? [latencyMs] : [],
    );
  }
}
