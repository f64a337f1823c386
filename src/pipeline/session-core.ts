import { SegmentationError } from '../frame/errors.ts';
import type { Frame } from '../frame/frame.ts';
import type { PromptUpdate } from '../frame/prompt.ts';
import { Corrections } from './corrections.ts';
import { describeModelEvent } from './describe-model-event.ts';
import type { EventQueue } from './event-queue.ts';
import { FrameProcessor } from './frame-processor.ts';
import { type FrameTask, type ProcessedFrame, unansweredTask } from './frame-task.ts';
import { PromptAnswers } from './prompt-answers.ts';
import { ObjectMemoryPool } from './prompts/object-memory-pool.ts';
import { PendingPrompts } from './prompts/pending-prompts.ts';
import { heldAs, RetainedFrames } from './retained-frames.ts';
import { ResumePoint } from './prompts/resume-point.ts';
import { resumeState } from './prompts/resume-updates.ts';
import {
  discardItem,
  type ResumedFrame,
  type ScheduledFrame,
  type ScheduledItem,
} from './intake/schedule-frames.ts';
import { SessionReport } from './session-report.ts';
import type { ObjectShare } from './prompts/object-share.ts';
import type { SessionEvent, SessionOptions, SessionParts } from './session-types.ts';
import { TrackerRecovery } from './tracker-recovery.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/** What a session's parts report to. */
export type SessionSinks = {
  readonly tracker: TrackerHandle;
  readonly events: EventQueue<SessionEvent>;
};

/**
 * The state of one stream and the order of things on it: prompts find their frames, frames are
 * processed and held, corrections are replayed, and everything is reported. Calls to `take`,
 * `correctQueued` and `endVideo` must not overlap.
 */
export class SessionCore {
  readonly #report: SessionReport;
  readonly #prompts: PendingPrompts;
  readonly #answers: PromptAnswers;
  readonly #processor: FrameProcessor;
  readonly #retained: RetainedFrames;
  readonly #resume: ResumePoint;
  readonly #recovery: TrackerRecovery;
  readonly #corrections: Corrections;
  #videoEnded = false;
  readonly #unwatchModel: (() => void) | undefined;

  constructor(options: SessionOptions, parts: SessionParts, sinks: SessionSinks) {
    const { info } = parts.segmenter;
    this.#report = new SessionReport(options, info, sinks.events);
    this.#prompts = new PendingPrompts(info, options.limits);
    this.#answers = new PromptAnswers(this.#prompts, objectSharesOf(options, parts), sinks.events);
    this.#processor = new FrameProcessor(options, parts, sinks.tracker);
    this.#retained = new RetainedFrames(options.limits);
    this.#recovery = new TrackerRecovery({
      tracker: sinks.tracker,
      processor: this.#processor,
      retained: this.#retained,
      report: this.#report,
      signal: options.signal,
    });
    this.#corrections = new Corrections({
      prompts: this.#prompts,
      answers: this.#answers,
      processor: this.#processor,
      retained: this.#retained,
      recovery: this.#recovery,
      report: this.#report,
      limits: options.limits,
      nowMs: parts.nowMs,
      send: (processed) => this.#send(processed),
    });
    this.#resume = new ResumePoint(options.resume);
    if (options.resume !== null) {
      this.#prompts.adopt(options.resume);
      this.#answers.book();
    }
    this.#unwatchModel = parts.watchModel?.((event) => {
      const isReachable = parts.segmenter.isReachable?.() ?? true;
      const { delivery } = options;
      this.#report.notice(event.kind, describeModelEvent(event, { delivery, isReachable }));
    });
    void options.goingAway?.then(() => this.announceGoingAway());
  }

  /** Calls `begin` when the next frame may be taken; see `FrameProcessor.enter`. */
  enter(begin: () => void): void {
    this.#processor.enter(begin);
  }

  /** The stream ends: nothing waits for its turn any more. Idempotent. */
  leave(): void {
    this.#processor.leave();
  }

  /** Whether it takes the next frame's time to know the prompts of this one. */
  needsNextFrame(frame: Frame): boolean {
    return this.#prompts.needsNextFrame(frame);
  }

  /** So many more frames came out of the decoder, or were skipped before it. */
  countFrames(count: number): void {
    this.#report.countFrames(count);
  }

  /** A frame was read before its turn: what is certain to be needed is prefetched. */
  prefetch(item: ScheduledItem): void {
    if (item.kind === 'frame') this.#processor.prefetch(item.frame);
  }

  /**
   * Takes an update in: refused at once, held for its frame, or, where its frame was processed
   * already, queued for `correctQueued`.
   */
  accept(update: PromptUpdate): 'refused' | 'held' | 'correction' {
    try {
      const past = this.#isPast(update);
      const display = past ? this.#retained.displayAt(update.at) : this.#report.format?.display;
      const accepted = this.#prompts.accept(update, display ?? null, this.#corrections.queued);
      this.#answers.bookAccepted(update);
      if (past) {
        this.#corrections.queue(update);
        return 'correction';
      }
      this.#prompts.hold(accepted);
      return 'held';
    } catch (reason) {
      this.#answers.refuse(update, SegmentationError.from(reason));
      return 'refused';
    }
  }

  /** Processes what the decoder gave; owns its frames from here on. */
  async take(item: ScheduledItem): Promise<void> {
    try {
      await this.#takeItem(item);
    } finally {
      discardItem(item);
    }
  }

  /** No more frames: what names a time after the last one belongs to the last one. */
  async endVideo(promptsOnly: boolean): Promise<void> {
    this.#videoEnded = true;
    await this.#correctPast([]);
    if (promptsOnly)
      this.#report.notice('video-answered', 'every frame is answered; held ones can be corrected');
  }

  /** Corrects with all updates that `accept` called corrections since. */
  async correctQueued(): Promise<void> {
    await this.#corrections.makeQueued();
  }

  /** Tells the client what to go on with elsewhere. */
  announceGoingAway(): void {
    const { removedObjectIds } = this.#prompts;
    const searches = this.#retained.newest?.state.searches ?? [];
    const objects = this.#report.newest?.objects ?? [];
    const state = this.#resume.state ?? resumeState(objects, { removedObjectIds, searches });
    const message = 'the server is going away; open a new stream with the resume state';
    this.#report.notice('going-away', message, state);
  }

  /** Answers prompts whose frame never came, and sends the summary. */
  finish(): void {
    this.#answers.refuseRest(this.#report.framesIn);
    this.#report.summarize(this.#processor.counts);
  }

  /** Frees all frames and features; idempotent. Resolves when model runs have let go of theirs. */
  async close(): Promise<void> {
    this.#unwatchModel?.();
    this.#answers.close();
    this.#retained.close();
    await this.#processor.close();
  }

  #isPast({ at }: PromptUpdate): boolean {
    if (this.#retained.isPast(at)) return true;
    return this.#videoEnded && at.kind === 'timestamp' && this.#retained.newest !== undefined;
  }

  /** Corrects with updates that came, or turned out to belong, behind their frame. */
  async #correctPast(missed: readonly PromptUpdate[]): Promise<void> {
    const past = this.#prompts.takeWhere((update) => this.#isPast(update));
    await this.#corrections.make([...missed, ...past]);
  }

  async #takeItem(item: ScheduledItem): Promise<void> {
    switch (item.kind) {
      case 'warning':
        return this.#report.notice('decode-warning', item.message);
      case 'truncated':
        return this.#report.truncated(item.message);
      case 'resume':
        return await this.#goOnFrom(item.resumedFrom);
      case 'frame':
        await this.#takeFrame(item);
        if (item.truncated !== null) this.#report.truncated(item.truncated);
    }
  }

  async #takeFrame(item: ScheduledFrame): Promise<void> {
    const { frame, bridge } = item;
    const sizeChanged = item.format !== null && this.#report.announceFormat(item.format);
    await this.#goOnFrom(item.resumedFrom);
    if (item.framesDroppedBefore > 0) this.#report.countDropped(item.framesDroppedBefore);
    const { due, missed } = this.#prompts.take(frame, item.nextTimestampUs);
    const resume = this.#takeResume(frame.index);
    const task: FrameTask = {
      frame,
      updates: [...resume, ...due],
      sizeChanged,
      resumed: resume.length > 0 || item.resumedFrom.length > 0,
      framesDroppedBefore: item.framesDroppedBefore,
      bridge,
      captureTimestampUs: item.captureTimestampUs,
      revision: 0,
      queuedAtMs: frame.decodedAtMs,
    };
    const done = await this.#recovery.process(task);
    if (done === null) return;
    const { processed } = done;
    this.#send(processed);
    this.#report.countAnswered(processed.result);
    const pixels = { frame: frame.retain(), bridge: bridge.map((passed) => passed.retain()) };
    this.#retained.push({ ...heldAs(done.task, processed), ...pixels });
    this.#processor.releaseFeatures(this.#retained.states());
    // Also those that came while the frame was in work.
    await this.#correctPast(missed);
  }

  /** Frames of a resumed stream that were answered before: their masks are given, nobody is told. */
  async #goOnFrom(frames: readonly ResumedFrame[]): Promise<void> {
    for (const { item, holdsMasks } of frames) {
      const { frame, captureTimestampUs } = item;
      const references = this.#resume.references(frame.index);
      const resume = holdsMasks ? this.#takeResume(frame.index) : [];
      const task = unansweredTask({ frame, captureTimestampUs }, [...references, ...resume]);
      const done = await this.#recovery.process(task);
      if (done === null) continue;
      const { processed } = done;
      this.#report.adopt(processed.result);
      this.#prompts.follow(processed.state.searches, processed.state.records);
      // What a correction of the next frame starts from.
      if (holdsMasks) {
        this.#retained.push({ ...heldAs(task, processed), frame: frame.retain(), bridge: [] });
      }
      this.#processor.releaseFeatures(this.#retained.states());
    }
  }

  /** The objects to go on with, and the phrases; once. */
  #takeResume(frameIndex: number): PromptUpdate[] {
    const taken = this.#resume.take(frameIndex);
    if (taken === null) return [];
    this.#processor.search(taken.searches);
    return taken.updates;
  }

  /** Acks go before the masks that they affect. */
  #send({ result, state, outcomes }: ProcessedFrame): void {
    for (const outcome of outcomes) this.#answers.answer(outcome, result.frameIndex);
    this.#prompts.follow(state.searches, state.records);
    this.#answers.follow(state.records.size);
    this.#report.masks(result);
  }
}

/** Where a stream's objects are booked: no memory for a model that keeps none. */
function objectSharesOf(
  { objectShare }: SessionOptions,
  { segmenter, objectMemory }: SessionParts,
): readonly ObjectShare[] {
  const pool = objectMemory ?? new ObjectMemoryPool();
  const memory = pool.open(segmenter.info.objectMemory?.maxBytes ?? 0);
  return objectShare === undefined ? [memory] : [memory, objectShare];
}
