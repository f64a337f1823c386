import type { FrameTask } from './frame-task.ts';
import type { KeyframeBudget } from './keyframe/budget.ts';

/**
 * A frame is slow, or late, when its answer takes more than so many frame intervals from decoding
 * on.
 */
const slowIntervals = 1.25;
const lateIntervals = 2;

/**
 * Refining is left out where so many frame intervals have passed since decoding; while frames are
 * late anywhere, the part of them that the rate of keyframes is, too.
 */
const refineWithinIntervals = 0.75;

/** What keeping pace needs to know of a frame. */
export type PacedFrame = Pick<FrameTask, 'queuedAtMs' | 'framesDroppedBefore' | 'revision'> & {
  readonly frame: Pick<FrameTask['frame'], 'index' | 'timestampUs'>;
};

/**
 * How one LATEST stream keeps pace with its camera: first masks are refined less, then some frames are
 * analysed between any two keyframes; then frames wait for keyframes, and the newest replaces the others.
 */
export class LivePace {
  readonly #budget: KeyframeBudget;
  readonly #nowMs: () => number;
  readonly #owner: string;
  #beganMs = 0;
  /** The frame in work, and those dropped before it, waited for a keyframe. */
  #wasHeld = false;
  #last: { readonly index: number; readonly timestampUs: number } | null = null;
  /** Between two frames of the video; unknown at first, when nothing counts as late. */
  #intervalMs = Number.POSITIVE_INFINITY;

  /** @param owner whose stream it is. Default: everybody's */
  constructor(budget: KeyframeBudget, nowMs: () => number, owner = '') {
    this.#owner = owner;
    this.#budget = budget;
    this.#nowMs = nowMs;
  }

  /** Learns the video's pace from a frame that is begun. */
  begin({ frame }: PacedFrame): void {
    this.#beganMs = this.#nowMs();
    const { index, timestampUs } = frame;
    const last = this.#last;
    if (last !== null && index > last.index && timestampUs > last.timestampUs) {
      this.#intervalMs = (timestampUs - last.timestampUs) / 1000 / (index - last.index);
    }
    this.#last = { index, timestampUs };
  }

  /**
   * Whether there is time to refine a frame's masks. On a busy server that is every other frame: half
   * the cost, most of the gain (held-out clips, J&F with a keyframe every 8: 0.818 → 0.816). Nor is a
   * frame refined there that would have to wait for another's: four cameras' frames are answered in
   * 16 ms instead of 28, p95 46 instead of 63. None is while several streams wait for their first masks.
   */
  mayRefine(task: PacedFrame): boolean {
    const { isBusy, isRefining, isContended } = this.#budget;
    if (isContended) return false;
    if (isBusy && (isRefining || task.frame.index % 2 === 1)) return false;
    const within = refineWithinIntervals * this.#budget.rateRatio;
    return this.#ageMs(task) <= within * this.#intervalMs;
  }

  /** Does a frame's refining; see `mayRefine`. */
  async whileRefining<T>(refine: () => Promise<T>): Promise<T> {
    const refining = this.#budget.beginRefining();
    try {
      return await refine();
    } finally {
      refining[Symbol.dispose]();
    }
  }

  /**
   * Whether prompts get their flip pass, half of what they cost the encoder. Where cameras begin at
   * once, or a server's streams come to another one, masks that come late have lost what moved.
   */
  get mayFlip(): boolean {
    return !this.#budget.isContended;
  }

  /** Does a keyframe whose stream waits for it; see `mayFlip`. */
  async whilePrompted<T>(answer: () => Promise<T>): Promise<T> {
    const prompted = this.#budget.beginPrompted();
    try {
      return await answer();
    } finally {
      prompted[Symbol.dispose]();
    }
  }

  /** Calls `begin` when the next frame may be taken; on an overloaded server keyframes come first. */
  enter(begin: () => void): void {
    this.#wasHeld = this.#budget.enter(this, begin);
  }

  /** The stream is over: nothing of it waits, and no keyframe of it runs. Idempotent. */
  close(): void {
    this.#budget.leave(this);
    this.endKeyframe();
  }

  /**
   * Whether a keyframe that can wait may start; then `endKeyframe` must follow.
   *
   * @param need see `KeyframeBudget.tryBegin`. Default: 0
   */
  tryBeginKeyframe(need = 0): boolean {
    return this.#budget.tryBegin(this, this.#owner, need);
  }

  /** The keyframe is over; idempotent. `isAnswered`: see `KeyframeBudget.end`. */
  endKeyframe(isAnswered = false): void {
    this.#budget.end(this, isAnswered);
  }

  /** Tells how late a frame's answer is. Answers to corrections have another pace. */
  end(task: PacedFrame): void {
    if (task.revision > 0) return;
    // What a keyframe held up says nothing of the load that is left.
    const ageMs = this.#wasHeld ? this.#nowMs() - this.#beganMs : this.#ageMs(task);
    const intervals = ageMs / this.#intervalMs;
    const hasLost = task.framesDroppedBefore > 0 && !this.#wasHeld;
    const late = intervals > lateIntervals || hasLost;
    this.#budget.observe(late ? 'late' : intervals > slowIntervals ? 'slow' : 'in-time');
  }

  #ageMs({ queuedAtMs }: PacedFrame): number {
    return this.#nowMs() - queuedAtMs;
  }
}
