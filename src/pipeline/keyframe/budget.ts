/** Least share of the time in which live streams may keep the model busy. */
const minShare = 0.05;

/** What is left of the share after a late frame; late frames within one interval count once. */
const cutRatio = 0.8;
const cutIntervalMs = 200;

/** Share that comes back in a second without late frames. */
const recoveryPerSecond = 0.2;

/** Longest pause after a keyframe: masks that nothing corrects drift. */
const maxPauseMs = 500;

/** A stream that has not asked again for so long does not hold its place in the row. */
const wishLifeMs = 500;

/** The server counts as busy for so long after a slow answer. */
const busyMs = 2000;

type Wish = { readonly sinceMs: number; askedMs: number };

/**
 * Shares the model's time between the live streams of a server (LATEST only). One overlapped keyframe
 * runs at a time, on the frame that is current when its turn comes: a queue before the encoder would
 * make every result late. While frames are late anywhere, pauses between keyframes grow, so that the
 * quality of masks gives way before frames do.
 */
export class KeyframeBudget {
  readonly #nowMs: () => number;
  readonly #wishes = new Map<object, Wish>();
  #running: { readonly stream: object; readonly sinceMs: number } | null = null;
  #share = 1;
  #observedMs: number;
  #cutMs = Number.NEGATIVE_INFINITY;
  #openMs = Number.NEGATIVE_INFINITY;
  #slowMs = Number.NEGATIVE_INFINITY;
  #refining = 0;

  /** @param nowMs monotonic milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#observedMs = nowMs();
  }

  /** Share of the time in which keyframes may run now, 0..1. */
  get shareRatio(): number {
    return this.#share;
  }

  /** Whether frames were answered slowly of late, though perhaps not late. */
  get isBusy(): boolean {
    return this.#nowMs() - this.#slowMs < busyMs;
  }

  /** Whether masks of a live stream are being refined; learning a look after a keyframe is not that. */
  get isRefining(): boolean {
    return this.#refining > 0;
  }

  /** Does the refining of one frame, so that other streams know of it. */
  async whileRefining<T>(refine: () => Promise<T>): Promise<T> {
    this.#refining++;
    try {
      return await refine();
    } finally {
      this.#refining--;
    }
  }

  /**
   * Learns how a frame was answered.
   *
   * @param pace `late` also where others were dropped before it
   */
  observe(pace: 'in-time' | 'slow' | 'late'): void {
    const nowMs = this.#nowMs();
    if (pace !== 'in-time') this.#slowMs = nowMs;
    if (pace !== 'late') {
      const recovered = ((nowMs - this.#observedMs) / 1000) * recoveryPerSecond;
      this.#share = Math.min(1, this.#share + recovered);
    } else if (nowMs - this.#cutMs >= cutIntervalMs) {
      this.#share = Math.max(minShare, this.#share * cutRatio);
      this.#cutMs = nowMs;
    }
    this.#observedMs = nowMs;
  }

  /** Whether `stream` may start a keyframe now; then it must call `end`. To be asked again if not. */
  tryBegin(stream: object): boolean {
    const nowMs = this.#nowMs();
    const wish = this.#wishes.get(stream);
    if (wish) wish.askedMs = nowMs;
    else this.#wishes.set(stream, { sinceMs: nowMs, askedMs: nowMs });
    if (this.#running !== null || nowMs < this.#openMs) return false;
    if (this.#firstInRow(nowMs) !== stream) return false;
    this.#wishes.delete(stream);
    this.#running = { stream, sinceMs: nowMs };
    return true;
  }

  /** The keyframe that `stream` began is over, or the stream is; idempotent. */
  end(stream: object): void {
    this.#wishes.delete(stream);
    if (this.#running?.stream !== stream) return;
    const nowMs = this.#nowMs();
    const pauseMs = (nowMs - this.#running.sinceMs) * (1 / this.#share - 1);
    this.#openMs = nowMs + Math.min(maxPauseMs, pauseMs);
    this.#running = null;
  }

  /** The stream that has waited longest and still asks. */
  #firstInRow(nowMs: number): object | undefined {
    let first: { readonly stream: object; readonly sinceMs: number } | undefined;
    for (const [stream, { sinceMs, askedMs }] of this.#wishes) {
      if (nowMs - askedMs > wishLifeMs) this.#wishes.delete(stream);
      else if (first === undefined || sinceMs < first.sinceMs) first = { stream, sinceMs };
    }
    return first?.stream;
  }
}
