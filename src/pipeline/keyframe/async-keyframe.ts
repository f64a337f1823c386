import type { Frame } from '../../frame/frame.ts';
import { memoryOf } from '../prompts/object-record.ts';
import type { FeatureName } from './feature-bank.ts';
import type { ObjectAnswer } from './pass.ts';
import { segmentObjects } from './segment.ts';
import type { KeyframeContext } from './encode.ts';
import { shownRegions, type KeyframeObject } from './plan.ts';
import type { StageTimingsUs } from '../stage-clock.ts';

/** How an asynchronous keyframe ended. */
export type AsyncKeyframeResult =
  | {
      readonly kind: 'done';
      readonly answers: readonly ObjectAnswer[];
      readonly timings: StageTimingsUs;
    }
  | { readonly kind: 'failed'; readonly reason: unknown };

/**
 * An asynchronous keyframe: its model run overlaps with the frames after it (LATEST only): they leave with
 * propagated masks, and the result is carried forward to the frame that is current when it comes.
 */
export class AsyncKeyframe {
  readonly frameIndex: number;
  readonly timestampUs: number;
  /** Features that must be kept until the run is over. */
  readonly features: readonly FeatureName[];
  readonly #abort = new AbortController();
  #result: AsyncKeyframeResult | null = null;
  /** Resolves when the run is over and its frame closed; never rejects. */
  readonly over: Promise<void>;

  /** Starts the run; holds the frame until it ends. */
  constructor(frame: Frame, objects: readonly KeyframeObject[], context: KeyframeContext) {
    this.frameIndex = frame.index;
    this.timestampUs = frame.timestampUs;
    this.features = objects.flatMap((object) => [
      ...memoryOf(object.record),
      ...shownRegions(object).map((region) => ({ frameIndex: frame.index, region })),
    ]);
    const signal = AbortSignal.any([context.signal, this.#abort.signal]);
    this.over = this.#run(frame.retain(), objects, { ...context, signal });
  }

  /** The result, once it has come. */
  take(): AsyncKeyframeResult | null {
    return this.#result;
  }

  /** Gives the run up; its result is not wanted any more. */
  abandon(): void {
    this.#abort.abort();
  }

  async #run(
    frame: Frame,
    objects: readonly KeyframeObject[],
    context: KeyframeContext,
  ): Promise<void> {
    try {
      const answers = await segmentObjects(context, frame, objects);
      this.#result = { kind: 'done', answers, timings: context.clock.read() };
    } catch (reason) {
      this.#result = { kind: 'failed', reason };
    } finally {
      frame.close();
    }
  }
}
