import { SegmentationError } from '../frame/errors.ts';
import type { PromptUpdate } from '../frame/prompt.ts';
import type { FrameProcessor } from './frame-processor.ts';
import type { FrameTask, ProcessedFrame } from './frame-task.ts';
import type { PromptAnswers } from './prompt-answers.ts';
import type { PendingPrompts } from './prompts/pending-prompts.ts';
import { ReplayBudget } from './prompts/replay-budget.ts';
import { heldAs, type RetainedFrame, type RetainedFrames } from './retained-frames.ts';
import type { SessionReport } from './session-report.ts';
import type { SessionLimits } from './session-types.ts';
import type { TrackerRecovery } from './tracker-recovery.ts';

/** What corrections work on. */
export type CorrectionParts = {
  readonly prompts: PendingPrompts;
  readonly answers: PromptAnswers;
  readonly processor: FrameProcessor;
  readonly retained: RetainedFrames;
  readonly recovery: TrackerRecovery;
  readonly report: SessionReport;
  readonly limits: SessionLimits;
  readonly nowMs: () => number;
  /** Reports a frame that was answered again. */
  readonly send: (processed: ProcessedFrame) => void;
};

/**
 * Updates that name frames which were processed already: the stream goes back to the first of these,
 * and it and all after it are answered again, with the next revision, before any newer frame.
 */
export class Corrections {
  readonly #parts: CorrectionParts;
  readonly #budget: ReplayBudget;
  #queued: PromptUpdate[] = [];

  constructor(parts: CorrectionParts) {
    this.#parts = parts;
    this.#budget = new ReplayBudget(parts.limits, parts.nowMs);
  }

  /** Updates that wait for `makeQueued`. */
  get queued(): readonly PromptUpdate[] {
    return this.#queued;
  }

  queue(update: PromptUpdate): void {
    this.#queued.push(update);
  }

  /** As `make`, for all updates that were queued since: they share one replay. */
  async makeQueued(): Promise<void> {
    await this.make(this.#queued.splice(0));
  }

  /** Applies updates to held frames, and refuses those that name none. Calls must not overlap. */
  async make(updates: readonly PromptUpdate[]): Promise<void> {
    const { processor, retained, recovery } = this.#parts;
    const byFrame = this.#resolve(updates);
    if (byFrame.size === 0) return;
    const first = Math.min(...byFrame.keys());
    const replayed = retained.from(first);
    if (!this.#budget.spend(replayed.length)) return this.#refuseReplay([...byFrame.values()]);
    const start = retained.before(first);
    try {
      await processor.restore(start.frame, start.state);
    } catch (reason) {
      await recovery.recover(reason);
      this.#refuseLost([...byFrame.values()]);
      return;
    }
    for (const held of replayed) {
      if (await this.#replay(held, byFrame.get(held.frame.index) ?? [])) {
        byFrame.delete(held.frame.index);
        continue;
      }
      this.#refuseLost([...byFrame.values()]);
      break;
    }
    processor.releaseFeatures(retained.states());
  }

  /** The held frames that updates name; those that name none are refused. */
  #resolve(updates: readonly PromptUpdate[]): Map<number, PromptUpdate[]> {
    const { prompts, answers, retained } = this.#parts;
    const byFrame = new Map<number, PromptUpdate[]>();
    for (const update of updates) {
      if (update.at.kind === 'next') {
        prompts.hold(update);
        continue;
      }
      try {
        const frameIndex = retained.resolve(update.at);
        byFrame.set(frameIndex, [...(byFrame.get(frameIndex) ?? []), update]);
      } catch (reason) {
        answers.undo(update, SegmentationError.from(reason));
      }
    }
    return byFrame;
  }

  /** Whether the frame was answered again. */
  async #replay(held: RetainedFrame, updates: readonly PromptUpdate[]): Promise<boolean> {
    const { recovery, retained, nowMs, send } = this.#parts;
    const task: FrameTask = {
      ...held,
      updates: [...held.updates, ...updates],
      revision: held.revision + 1,
      queuedAtMs: nowMs(),
    };
    const done = await recovery.process(task);
    if (done === null) return false;
    const { processed } = done;
    const answered = new Set(held.updates);
    const fresh = processed.outcomes.filter((outcome) => !answered.has(outcome.update));
    send({ ...processed, outcomes: fresh });
    const { frame, bridge } = held;
    retained.update({ ...heldAs(done.task, processed), frame, bridge });
    return true;
  }

  #refuseReplay(updates: readonly PromptUpdate[][]): void {
    const { maxReplayedFrames, replayedFramesPerSecond } = this.#parts.limits;
    const message =
      `corrections may process ${maxReplayedFrames} frames again, and ` +
      `${replayedFramesPerSecond} more each second: wait, or send several together`;
    for (const update of updates.flat()) {
      this.#parts.answers.undo(update, new SegmentationError('too-many-prompts', message));
    }
  }

  /** The tracker was lost before these corrections could be made, and with it what they start from. */
  #refuseLost(updates: readonly PromptUpdate[][]): void {
    const newest = this.#parts.report.newest?.frameIndex;
    const message = `frames up to ${newest} are no longer held: their tracking thread ended`;
    for (const update of updates.flat()) {
      this.#parts.answers.undo(update, new SegmentationError('frame-not-held', message));
    }
  }
}
