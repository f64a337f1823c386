import { runLengthsOf } from '../frame/coco-rle.ts';
import { maskRunLengths } from '../frame/delivered-mask.ts';
import { emptyMask } from '../frame/mask.ts';
import type { ObjectAction } from '../tracking/tracker-types.ts';
import type { FrameProcessor } from './frame-processor.ts';
import type { FrameTask, ProcessedFrame } from './frame-task.ts';
import type { RetainedFrames } from './retained-frames.ts';
import type { SessionReport } from './session-report.ts';
import type { FrameResult } from './session-types.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/** Threads that may die under calls of this stream while it is on one frame. */
const deathsPerFrame = 2;

/** "It is not here", whatever the size of the picture. */
const noPixels = runLengthsOf(emptyMask({ width: 1, height: 1 }));

/** A frame that was processed, and as what: behind a recovery it begins anew. */
export type DoneFrame = { readonly task: FrameTask; readonly processed: ProcessedFrame };

/** What a recovery works on. */
export type RecoveryParts = {
  readonly tracker: TrackerHandle;
  readonly processor: FrameProcessor;
  readonly retained: RetainedFrames;
  readonly report: SessionReport;
  readonly signal: AbortSignal;
};

/**
 * Gives a stream a new tracker where its own is lost: the masks of the newest answer are put on its
 * frame, and the stream goes on from there. What the model remembers of the objects is not the
 * tracker's and stays. Frames before that one can no longer be corrected.
 */
export class TrackerRecovery {
  readonly #parts: RecoveryParts;
  #ownDeaths = 0;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /**
   * Processes a frame, with a new tracker where its own is lost under it. Null where the stream can
   * then only go on behind this frame, which happens to frames that are replayed.
   */
  async process(task: FrameTask): Promise<DoneFrame | null> {
    for (let attempt = task; ;) {
      try {
        const processed = await this.#parts.processor.process(attempt);
        // Whatever ended a thread before was not this stream's fault for good.
        this.#ownDeaths = 0;
        return { task: attempt, processed };
      } catch (reason) {
        const after = await this.recover(reason);
        if (after !== null && after >= task.frame.index) return null;
        attempt = { ...task, resumed: true };
      }
    }
  }

  /**
   * Recovers from `reason` and tells the client, or throws it where it is no lost tracker, or one that
   * is lost under each attempt at the same frame. Resolves with the index of the frame to go on after;
   * null: with the first one.
   */
  async recover(reason: unknown): Promise<number | null> {
    const { report } = this.#parts;
    for (let cause = reason; ;) {
      this.#outlive(cause);
      try {
        const after = await this.#rebuild(report.newest);
        report.notice(
          'worker-restarted',
          'a tracking thread was replaced; objects go on from their last masks',
        );
        return after;
      } catch (again) {
        cause = again;
      }
    }
  }

  #outlive(reason: unknown): void {
    const { tracker, signal } = this.#parts;
    if (tracker.loss === 'none' || signal.aborted) throw reason;
    if (tracker.loss === 'own' && ++this.#ownDeaths >= deathsPerFrame) throw reason;
  }

  async #rebuild(newest: FrameResult | null): Promise<number | null> {
    const { tracker, processor, retained } = this.#parts;
    await tracker.reopen();
    const [base] = newest === null ? [] : retained.from(newest.frameIndex);
    if (newest === null || base?.frame.index !== newest.frameIndex) {
      // Nothing was answered yet: the objects, if there are any, are told by what is still to come.
      await processor.rebuild(null, []);
      return newest?.frameIndex ?? null;
    }
    retained.forgetBefore(newest.frameIndex);
    await processor.rebuild(base, masksOf(newest));
    return newest.frameIndex;
  }
}

/** The masks of an answer, as if the client had given them. */
function masksOf({ objects }: FrameResult): ObjectAction[] {
  return objects.map(({ objectId, mask }) => {
    return { kind: 'given', objectId, mask: maskRunLengths(mask) ?? noPixels };
  });
}
