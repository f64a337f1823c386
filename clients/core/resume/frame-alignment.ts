import type { PromptUpdate } from '../../../src/gen/maskstream/v1/video_request.ts';
import type {
  FrameMasks,
  PromptAck,
  StreamInfo,
} from '../../../src/gen/maskstream/v1/video_response.ts';

/** Where a call that goes on with a stream stands in the caller's count. */
export type AlignmentStart = {
  /** What is added to its frame indices; null: known with its first answer only. */
  readonly offset: number | null;
  /** Answers said so: nothing that comes tells it better. */
  readonly isExact: boolean;
  /** Frames a second, where the stream says so; for times that are made from it. */
  readonly frameRate: number | null;
  /** The stream has no times of its own. */
  readonly isSynthetic: boolean;
};

/** Maps frames of one call to the caller's, and the caller's prompts to the call's. */
export class FrameAlignment {
  readonly #frameRate: number | null;
  readonly #isSynthetic: boolean;
  /** Nothing that comes tells the offset better. */
  readonly isExact: boolean;
  #offset: number | null;
  #isGuessed = false;

  constructor({ offset, isExact, frameRate, isSynthetic }: AlignmentStart) {
    this.#offset = offset;
    this.isExact = isExact;
    this.#frameRate = frameRate;
    this.#isSynthetic = isSynthetic;
  }

  /** What is added to the call's frame indices; null before it is known. */
  get offset(): number | null {
    return this.#offset;
  }

  /** Whether the offset rests on something. */
  get isKnown(): boolean {
    return this.#offset !== null && !this.#isGuessed;
  }

  /** Nothing tells the call's frame `index` from others: it is taken for the caller's next one. */
  guess(index: number, next: number): void {
    this.align(index, next);
    this.#isGuessed = true;
  }

  /** The call's frame `index` is the caller's frame `known`. */
  align(index: number, known: number): void {
    this.#offset = known - index;
  }

  /** A frame as the caller counts. */
  masks(masks: FrameMasks): FrameMasks {
    const offset = this.#offset ?? 0;
    if (offset === 0) return masks;
    const { frameIndex, timestampUs, timestampSynthetic, keyframeIndex } = masks;
    return {
      ...masks,
      frameIndex: frameIndex + offset,
      timestampUs: timestampSynthetic ? this.#timeOf(frameIndex + offset) : timestampUs,
      keyframeIndex: keyframeIndex === undefined ? undefined : Math.max(0, keyframeIndex + offset),
    };
  }

  /** An acknowledgement as the caller counts. */
  ack(ack: PromptAck): PromptAck {
    const { frameIndex } = ack;
    return frameIndex === undefined
      ? ack
      : { ...ack, frameIndex: frameIndex + (this.#offset ?? 0) };
  }

  /** A format as the caller counts. @param newest newest frame that was answered */
  info(info: StreamInfo, newest: number): StreamInfo {
    const mapped = info.fromFrameIndex + (this.#offset ?? newest + 1);
    return { ...info, fromFrameIndex: Math.max(mapped, newest + 1) };
  }

  /** Whether an update can be sent: one that names a frame waits until the frames are aligned. */
  canSend({ at }: PromptUpdate): boolean {
    if (this.#offset !== null || at === undefined) return true;
    return at.$case === 'timestampUs' && !this.#isSynthetic;
  }

  /** An update as the call counts; null where its frame lies before the call's first one. */
  prompt(update: PromptUpdate): PromptUpdate | null {
    const { at } = update;
    const offset = this.#offset ?? 0;
    if (at === undefined || offset === 0) return update;
    if (at.$case === 'timestampUs') {
      const value = this.#isSynthetic ? at.value - this.#timeOf(offset) : at.value;
      return { ...update, at: { $case: 'timestampUs', value } };
    }
    if (at.value < offset) return null;
    return { ...update, at: { $case: 'frameIndex', value: at.value - offset } };
  }

  /** Time of a frame in a stream that has none of its own, as the server makes it. */
  #timeOf(frameIndex: number): number {
    return this.#frameRate === null ? 0 : Math.round((frameIndex * 1e6) / this.#frameRate);
  }
}
