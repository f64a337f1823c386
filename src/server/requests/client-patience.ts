/** How long a client is waited for. */
export type PatienceLimits = {
  /** Without a message. */
  readonly idleTimeoutMs: number;
  /** Without progress, all waits since the last one together. */
  readonly stallTimeoutMs: number;
  /** Before the first answer bytes are progress too, at this rate. */
  readonly minRequestBytesPerSecond: number;
};

/** Video that counts as progress: a frame now and then is a way to hold a place, not a video. */
const progressUs = 1_000_000;

/**
 * How long the client of one call is still waited for. Time in which the server is at work is not the
 * client's. Progress is a second of answered video, or a corrected frame; until the first answer it is
 * also bytes, since the index of a file may come last.
 */
export class ClientPatience {
  readonly #limits: PatienceLimits;
  readonly #nowMs: () => number;
  #waitedMs = 0;
  #waitingSinceMs: number | null = null;
  #bytes = 0;
  #progressAtUs: number | null = null;

  /** @param nowMs monotonic milliseconds */
  constructor(limits: PatienceLimits, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  get idleTimeoutMs(): number {
    return this.#limits.idleTimeoutMs;
  }

  get stallTimeoutMs(): number {
    return this.#limits.stallTimeoutMs;
  }

  /** For how long from now the client may be waited for without progress. */
  stallLeftMs(): number {
    const { stallTimeoutMs, minRequestBytesPerSecond } = this.#limits;
    const hasAnswers = this.#progressAtUs !== null;
    const bytesMs = hasAnswers ? 0 : (this.#bytes / minRequestBytesPerSecond) * 1000;
    return stallTimeoutMs + bytesMs - this.#totalMs();
  }

  /** The client is waited for from now on, or is no more. */
  waits(isWaiting: boolean): void {
    this.#waitedMs = this.#totalMs();
    this.#waitingSinceMs = isWaiting ? this.#nowMs() : null;
  }

  /** So many bytes of video came. */
  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** A frame was answered, or a correction changed it. */
  answered({
    timestampUs,
    revision,
  }: {
    readonly timestampUs: number;
    readonly revision: number;
  }): void {
    const last = this.#progressAtUs;
    const isProgress = last === null || revision > 0 || timestampUs - last >= progressUs;
    if (!isProgress) return;
    if (last === null || revision === 0) this.#progressAtUs = timestampUs;
    this.#waitedMs = 0;
    if (this.#waitingSinceMs !== null) this.#waitingSinceMs = this.#nowMs();
  }

  #totalMs(): number {
    return (
      this.#waitedMs + (this.#waitingSinceMs === null ? 0 : this.#nowMs() - this.#waitingSinceMs)
    );
  }
}
