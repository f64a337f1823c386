/** Lets something happen after so many milliseconds; returns what calls it off. */
export type Schedule = (ms: number, happen: () => void) => () => void;

/** Frames of all streams that may be begun while one keyframe is in work, on an overloaded server. */
const framesPerKeyframe = 60;

/** So many while several streams wait for their first masks: until they come, what moves gets away. */
const framesPerPrompt = 12;

/** A keyframe holds frames up for so long at most: a model that is slow, or hangs, stops no stream. */
const longestHoldMs = 150;

/** The server counts as overloaded for so long after a late frame that nothing held up. */
const overloadMs = 2000;

/** What is in work when a frame is to begin. */
export type ModelWork = {
  readonly isKeyframeRunning: boolean;
  /** Streams that wait for their prompts' answer. */
  readonly prompted: number;
};

/**
 * Which frames may begin on an overloaded server: keyframes and frames share the processor, and the
 * scheduler gives most of it to the frames, which are many. So frames wait, and the newest takes the place
 * of those that waited, once some have begun beside a keyframe: overload thins frames before keyframes.
 */
export class FrameGate {
  readonly #nowMs: () => number;
  readonly #schedule: Schedule;
  readonly #work: () => ModelWork;
  readonly #held = new Map<object, () => void>();
  #begun = 0;
  #lateMs = Number.NEGATIVE_INFINITY;
  #isSpent = false;
  #callOff: (() => void) | null = null;

  /** @param nowMs monotonic milliseconds */
  constructor(nowMs: () => number, schedule: Schedule, work: () => ModelWork) {
    this.#nowMs = nowMs;
    this.#schedule = schedule;
    this.#work = work;
  }

  /** Calls `begin` when the next frame of `stream` may begin. Returns whether it has to wait. */
  enter(stream: object, begin: () => void): boolean {
    const enter = (): void => {
      this.#begun++;
      begin();
    };
    if (!this.#isShut()) {
      enter();
      return false;
    }
    this.#held.set(stream, enter);
    this.#limitHold();
    return true;
  }

  /** The stream is over: it waits no more. Idempotent. */
  leave(stream: object): void {
    const begin = this.#held.get(stream);
    this.#held.delete(stream);
    begin?.();
  }

  /** A frame that was not held up was late. */
  onLate(): void {
    this.#lateMs = this.#nowMs();
  }

  /** A keyframe begins, or one is over: as many frames again may begin. */
  onKeyframe(): void {
    this.#begun = 0;
    this.#isSpent = false;
    this.#callOff?.();
    this.#callOff = null;
    this.#release();
  }

  #isShut(): boolean {
    if (this.#isSpent) return false;
    const { isKeyframeRunning, prompted } = this.#work();
    if (prompted > 1) return this.#begun >= framesPerPrompt;
    if (!isKeyframeRunning && prompted === 0) return false;
    const isOverloaded = this.#nowMs() - this.#lateMs < overloadMs;
    return isOverloaded && this.#begun >= framesPerKeyframe;
  }

  /** In the order in which they came, as many as may. */
  #release(): void {
    for (const [stream, begin] of this.#held) {
      if (this.#isShut()) {
        this.#limitHold();
        return;
      }
      this.#held.delete(stream);
      begin();
    }
  }

  #limitHold(): void {
    this.#callOff ??= this.#schedule(longestHoldMs, () => {
      this.#callOff = null;
      this.#isSpent = true;
      this.#release();
    });
  }
}
