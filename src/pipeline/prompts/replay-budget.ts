/** Bounds of what corrections cost: each processes the frames after it again. */
export type ReplayLimits = {
  /** Frames that corrections may process again at once. */
  readonly maxReplayedFrames: number;
  /** How many more each second. */
  readonly replayedFramesPerSecond: number;
};

/**
 * What a stream may spend on corrections: some 50 bytes of a prompt cost up to `retainedFrames`
 * frames of work.
 */
export class ReplayBudget {
  readonly #limits: ReplayLimits;
  readonly #nowMs: () => number;
  #left: number;
  #refilledAtMs: number;

  /** @param nowMs monotonic milliseconds */
  constructor(limits: ReplayLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#left = limits.maxReplayedFrames;
    this.#refilledAtMs = nowMs();
  }

  /** Spends so many frames; false, and nothing is spent, where there are not as many. */
  spend(frames: number): boolean {
    const { maxReplayedFrames, replayedFramesPerSecond } = this.#limits;
    const nowMs = this.#nowMs();
    const more = ((nowMs - this.#refilledAtMs) / 1000) * replayedFramesPerSecond;
    this.#left = Math.min(maxReplayedFrames, this.#left + more);
    this.#refilledAtMs = nowMs;
    if (frames > this.#left) return false;
    this.#left -= frames;
    return true;
  }
}
