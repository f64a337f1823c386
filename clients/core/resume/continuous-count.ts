import type { FrameMasks, StreamSummary } from '../../../src/gen/maskstream/v1/video_response.ts';

/** The count of one stream over all of its calls. */
export class ContinuousCount {
  /** Some server has answered: the stream is known to be possible. */
  begun = false;
  /** What the newest call said last. */
  summary: StreamSummary | null = null;
  #framesOut = 0;
  /** Keyframes that frames of earlier calls descend from. */
  #keyframesBefore = 0;
  #keyframes = new Set<number>();
  #calls = 1;
  /** Time of one frame, where frames are equally far apart, in microseconds. */
  #frameUs: number | null = null;
  #before: FrameMasks | null = null;

  /** Counts a frame that is handed over for the first time. */
  add(masks: FrameMasks): void {
    this.#framesOut++;
    if (masks.keyframeIndex !== undefined) this.#keyframes.add(masks.keyframeIndex);
    const before = this.#before;
    const frames = masks.frameIndex - (before?.frameIndex ?? masks.frameIndex);
    if (before !== null && frames > 0) {
      this.#frameUs = (masks.timestampUs - before.timestampUs) / frames;
    }
    this.#before = masks;
  }

  /** A call is over and another one follows. */
  endCall(): void {
    this.#calls++;
    this.#keyframesBefore += this.#keyframes.size;
    this.#keyframes = new Set();
    this.summary = null;
  }

  /** Index of a frame by its time, as far from the newest one as time says; null where it says nothing. */
  indexAt(masks: FrameMasks, newest: FrameMasks | null): number | null {
    if (newest === null || masks.timestampSynthetic || this.#frameUs === null) return null;
    const frames = Math.round((masks.timestampUs - newest.timestampUs) / this.#frameUs);
    return newest.frameIndex + frames;
  }

  /**
   * The last call's summary for the whole stream; null where there is none. What calls that broke
   * would have said is not known: of their keyframes those count that answers name.
   *
   * @param offset what is added to the last call's frame indices
   * @param isComplete the last call worked on the whole video again
   */
  total(offset: number, isComplete: boolean): StreamSummary | null {
    if (this.summary === null || this.#calls === 1) return this.summary;
    const framesIn = this.summary.framesIn + offset;
    const before = isComplete ? 0 : this.#keyframesBefore;
    return {
      ...this.summary,
      framesIn,
      framesOut: this.#framesOut,
      framesDropped: Math.max(0, framesIn - this.#framesOut),
      keyframes: this.summary.keyframes + before,
      encoderRuns: this.summary.encoderRuns + before,
    };
  }
}
