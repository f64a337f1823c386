/* eslint-disable max-lines -- the order of things on one stream */
import { SegmentationError } from '../frame/errors.ts';
import type { Frame } from '../frame/frame.ts';
import { sameSize } from '../frame/geometry.ts';
import type { PromptUpdate } from '../frame/prompt.ts';
import type { PromptOutcome } from './prompts/apply-prompts.ts';
import { checkSize } from './check-size.ts';
import type { EventQueue } from './event-queue.ts';
import { FrameProcessor } from './frame-processor.ts';
import { type FrameTask, type ProcessedFrame, unansweredTask } from './frame-task.ts';
import type { VideoFormat } from '../frame/ports.ts';
import { ReplayBudget } from './prompts/replay-budget.ts';
import { ObjectMemoryPool, type ObjectMemoryShare } from './prompts/object-memory-pool.ts';
import { PendingPrompts } from './prompts/pending-prompts.ts';
import { heldAs, RetainedFrames, type RetainedFrame } from './retained-frames.ts';
import { ResumePoint } from './prompts/resume-point.ts';
import { isResumeUpdate, resumeState } from './prompts/resume-updates.ts';
import {
  discardItem,
  type ResumedFrame,
  type ScheduledFrame,
  type ScheduledItem,
} from './intake/schedule-frames.ts';
import type { FrameResult, SessionEvent, SessionOptions, SessionParts } from './session-types.ts';
import { StageStatistics } from './stage-clock.ts';
import { TrackerRecovery } from './tracker-recovery.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/** Processed frames between two overload notices. */
const overloadNoticeFrames = 150;

type Notice = Extract<SessionEvent, { kind: 'notice' }>;

/** What a session's parts report to. */
export type SessionSinks = {
  readonly tracker: TrackerHandle;
  readonly events: EventQueue<SessionEvent>;
};

/**
 * The state of one stream and the order of things on it: prompts find their frames, frames are
 * processed and held, corrections are replayed, and everything is reported. Calls to `take` and
 * `correct` must not overlap.
 */
export class SessionCore {
  readonly #options: SessionOptions;
  readonly #parts: SessionParts;
  readonly #events: EventQueue<SessionEvent>;
  readonly #prompts: PendingPrompts;
  readonly #processor: FrameProcessor;
  readonly #retained: RetainedFrames;
  readonly #statistics = new StageStatistics();
  readonly #resume: ResumePoint;
  readonly #recovery: TrackerRecovery;
  readonly #memory: ObjectMemoryShare;
  #format: VideoFormat | null = null;
  #framesIn = 0;
  #framesOut = 0;
  #framesDropped = 0;
  #nextOverloadNotice = 0;
  #truncated = false;
  /** Objects after the newest frame. */
  #objectsAlive = 0;
  #videoEnded = false;
  /** Corrections that wait for their turn. */
  #corrections: PromptUpdate[] = [];
  readonly #replays: ReplayBudget;
  #newest: FrameResult | null = null;
  readonly #unwatchRestarts: (() => void) | undefined;

  constructor(options: SessionOptions, parts: SessionParts, sinks: SessionSinks) {
    this.#options = options;
    this.#parts = parts;
    this.#events = sinks.events;
    this.#prompts = new PendingPrompts(parts.segmenter.info, options.limits);
    this.#processor = new FrameProcessor(options, parts, sinks.tracker);
    this.#retained = new RetainedFrames(options.limits);
    this.#recovery = new TrackerRecovery({
      tracker: sinks.tracker,
      processor: this.#processor,
      retained: this.#retained,
      signal: options.signal,
    });
    this.#replays = new ReplayBudget(options.limits, parts.nowMs);
    this.#resume = new ResumePoint(options.resume);
    this.#memory = objectMemoryOf(parts);
    if (options.resume !== null) {
      this.#prompts.adopt(options.resume);
      this.#memory.require(this.#prompts.objectCount);
      this.#bookMemory();
    }
    this.#unwatchRestarts = parts.watchRestarts?.(() =>
      this.#notice('worker-restarted', 'a model worker was restarted; no frame is lost'),
    );
    void options.goingAway?.then(() => this.announceGoingAway());
  }

  /** Whether it takes the next frame's time to know the prompts of this one. */
  needsNextFrame(frame: Frame): boolean {
    return this.#prompts.needsNextFrame(frame);
  }

  /** So many more frames came out of the decoder, or were skipped before it. */
  countFrames(count: number): void {
    this.#framesIn += count;
  }

  /** A frame was read before its turn: what is certain to be needed is prefetched. */
  prefetch(item: ScheduledItem): void {
    if (item.kind === 'frame') this.#processor.prefetch(item.frame);
  }

  /**
   * Takes an update in: refused at once, held for its frame, or, where its frame was processed
   * already, to be handed to `correct`.
   */
  accept(update: PromptUpdate): 'refused' | 'held' | 'correction' {
    try {
      const past = this.#isPast(update);
      const display = past ? this.#retained.displayAt(update.at) : this.#format?.display;
      const accepted = this.#prompts.accept(update, display ?? null, this.#corrections);
      this.#requireMemory(update);
      if (past) {
        this.#corrections.push(update);
        return 'correction';
      }
      this.#prompts.hold(accepted);
      return 'held';
    } catch (reason) {
      this.#refuse(update, SegmentationError.from(reason));
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
      this.#notice('video-answered', 'every frame is answered; held ones can be corrected');
  }

  /** As `correct`, for all updates that `accept` called corrections since: they share one replay. */
  async correctQueued(): Promise<void> {
    await this.correct(this.#corrections.splice(0));
  }

  /**
   * Applies updates to held frames and answers the first of these and all after it again, with the
   * next revision, before any newer frame.
   */
  async correct(updates: readonly PromptUpdate[]): Promise<void> {
    const byFrame = this.#resolve(updates);
    if (byFrame.size === 0) return;
    const first = Math.min(...byFrame.keys());
    const replayed = this.#retained.from(first);
    if (!this.#replays.spend(replayed.length)) return this.#refuseReplay([...byFrame.values()]);
    const start = this.#retained.before(first);
    try {
      await this.#processor.restore(start.frame, start.state);
    } catch (reason) {
      await this.#recover(reason);
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
    this.#processor.releaseFeatures(this.#retained.states());
  }

  /** Answers prompts whose frame never came, and sends the summary. */
  finish(): void {
    for (const update of this.#prompts.takeAll()) {
      const message = `the stream ended after ${this.#framesIn} frames, before the prompt's frame`;
      this.#refuse(update, new SegmentationError('frame-never-came', message));
    }
    this.#events.push({
      kind: 'summary',
      summary: {
        framesIn: this.#framesIn,
        framesOut: this.#framesOut,
        framesDropped: this.#framesDropped,
        ...this.#processor.counts,
        truncated: this.#truncated,
        stages: this.#statistics.read(),
      },
    });
  }

  /** Frees all frames and features; idempotent. Resolves when model runs have let go of theirs. */
  async close(): Promise<void> {
    this.#unwatchRestarts?.();
    this.#memory.close();
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
    await this.correct([...missed, ...past]);
  }

  /** The held frames that updates name; those that name none are refused. */
  #resolve(updates: readonly PromptUpdate[]): Map<number, PromptUpdate[]> {
    const byFrame = new Map<number, PromptUpdate[]>();
    for (const update of updates) {
      if (update.at.kind === 'next') {
        this.#prompts.hold(update);
        continue;
      }
      try {
        const frameIndex = this.#retained.resolve(update.at);
        byFrame.set(frameIndex, [...(byFrame.get(frameIndex) ?? []), update]);
      } catch (reason) {
        this.#undo(update, SegmentationError.from(reason));
      }
    }
    return byFrame;
  }

  #refuseReplay(updates: readonly PromptUpdate[][]): void {
    const { maxReplayedFrames, replayedFramesPerSecond } = this.#options.limits;
    const message =
      `corrections may process ${maxReplayedFrames} frames again, and ` +
      `${replayedFramesPerSecond} more each second: wait, or send several together`;
    for (const update of updates.flat()) {
      this.#undo(update, new SegmentationError('too-many-prompts', message));
    }
  }

  /** The tracker was lost before these corrections could be made, and with it what they start from. */
  #refuseLost(updates: readonly PromptUpdate[][]): void {
    const newest = this.#newest?.frameIndex;
    const message = `frames up to ${newest} are no longer held: their tracking thread ended`;
    for (const update of updates.flat()) {
      this.#undo(update, new SegmentationError('frame-not-held', message));
    }
  }

  #undo(update: PromptUpdate, error: SegmentationError): void {
    this.#prompts.undo(update);
    this.#bookMemory();
    this.#refuse(update, error);
  }

  /** Books what an accepted update needs; takes it back and throws where the server has no room. */
  #requireMemory(update: PromptUpdate): void {
    try {
      this.#memory.require(this.#prompts.objectCount);
    } catch (reason) {
      this.#prompts.undo(update);
      throw reason;
    }
    this.#bookMemory();
  }

  /** An object whose removal waits for its frame has its memory until then. */
  #bookMemory(objectsAlive = this.#objectsAlive): void {
    this.#objectsAlive = objectsAlive;
    this.#memory.book(Math.max(this.#prompts.objectCount, objectsAlive));
  }

  #announceTruncated(message: string): void {
    this.#truncated = true;
    this.#notice('truncated-input', message);
  }

  async #takeItem(item: ScheduledItem): Promise<void> {
    switch (item.kind) {
      case 'warning':
        return this.#notice('decode-warning', item.message);
      case 'truncated':
        return this.#announceTruncated(item.message);
      case 'resume':
        return await this.#goOnFrom(item.resumedFrom);
      case 'frame':
        await this.#takeFrame(item);
        if (item.truncated !== null) this.#announceTruncated(item.truncated);
    }
  }

  async #takeFrame(item: ScheduledFrame): Promise<void> {
    const { frame, bridge } = item;
    const sizeChanged = item.format !== null && this.#announceFormat(item.format);
    await this.#goOnFrom(item.resumedFrom);
    if (item.framesDroppedBefore > 0) this.#countDropped(item.framesDroppedBefore);
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
    const done = await this.#processFrame(task);
    if (done === null) return;
    const { processed } = done;
    this.#report(processed);
    this.#framesOut++;
    this.#statistics.add(processed.result.timings);
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
      const done = await this.#processFrame(task);
      if (done === null) continue;
      const { processed } = done;
      this.#newest = processed.result;
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

  /**
   * Processes a frame, with a new tracker where its own is lost under it. Null where the stream can
   * then only go on behind this frame, which happens to frames that are replayed.
   */
  async #processFrame(
    task: FrameTask,
  ): Promise<{ readonly task: FrameTask; readonly processed: ProcessedFrame } | null> {
    for (let attempt = task; ;) {
      try {
        const processed = await this.#processor.process(attempt);
        this.#recovery.settle();
        return { task: attempt, processed };
      } catch (reason) {
        const after = await this.#recover(reason);
        if (after !== null && after >= task.frame.index) return null;
        attempt = { ...task, resumed: true };
      }
    }
  }

  /** Goes on with a new tracker, or throws `reason`; the frame to go on after, null: none. */
  async #recover(reason: unknown): Promise<number | null> {
    const after = await this.#recovery.recover(reason, this.#newest);
    this.#notice(
      'worker-restarted',
      'a tracking thread was replaced; objects go on from their last masks',
    );
    return after;
  }

  /** Whether the frame was answered again. */
  async #replay(held: RetainedFrame, updates: readonly PromptUpdate[]): Promise<boolean> {
    const task: FrameTask = {
      ...held,
      updates: [...held.updates, ...updates],
      revision: held.revision + 1,
      queuedAtMs: this.#parts.nowMs(),
    };
    const done = await this.#processFrame(task);
    if (done === null) return false;
    const { processed } = done;
    const answered = new Set(held.updates);
    const fresh = processed.outcomes.filter((outcome) => !answered.has(outcome.update));
    this.#report({ ...processed, outcomes: fresh });
    const { frame, bridge } = held;
    this.#retained.update({ ...heldAs(done.task, processed), frame, bridge });
    return true;
  }

  /** Acks go before the masks that they affect. */
  #report(processed: ProcessedFrame): void {
    const { result, state } = processed;
    for (const outcome of processed.outcomes) this.#answer(outcome, result.frameIndex);
    this.#prompts.follow(state.searches, state.records);
    this.#bookMemory(state.records.size);
    this.#newest = result;
    this.#events.push({ kind: 'masks', result });
  }

  #answer(outcome: PromptOutcome, frameIndex: number): void {
    const { update } = outcome;
    if (isResumeUpdate(update)) return;
    if (outcome.kind === 'refused') {
      this.#undo(update, outcome.error);
      return;
    }
    const { objectIds } = outcome;
    this.#prompts.settle(update, objectIds);
    this.#events.push({ kind: 'ack', requestId: update.requestId, frameIndex, objectIds });
  }

  /** Returns whether an earlier format had another display size. */
  #announceFormat(format: VideoFormat): boolean {
    const { display } = format;
    const before = this.#format;
    const { limits, expectedSize } = this.#options;
    if (before === null) checkSize(display, expectedSize);
    this.#format = format;
    const { name: model, provider } = this.#parts.segmenter.info;
    this.#events.push({ kind: 'info', format, model, provider, limits });
    return before !== null && !sameSize(before.display, display);
  }

  #countDropped(frames: number): void {
    this.#framesDropped += frames;
    if (this.#framesOut < this.#nextOverloadNotice) return;
    this.#nextOverloadNotice = this.#framesOut + overloadNoticeFrames;
    this.#notice('overload', `the server falls behind: ${this.#framesDropped} frames skipped`);
  }

  /** Tells the client what to go on with elsewhere. */
  announceGoingAway(): void {
    const { removedObjectIds } = this.#prompts;
    const searches = this.#retained.newest?.state.searches ?? [];
    const objects = this.#newest?.objects ?? [];
    const state = this.#resume.state ?? resumeState(objects, { removedObjectIds, searches });
    const message = 'the server is going away; open a new stream with the resume state';
    this.#notice('going-away', message, state);
  }

  #notice(notice: Notice['notice'], message: string, resume: Notice['resume'] = null): void {
    this.#events.push({ kind: 'notice', notice, message, resume });
  }

  #refuse(update: PromptUpdate, error: SegmentationError): void {
    const { code, message } = error;
    this.#events.push({ kind: 'prompt-error', requestId: update.requestId, code, message });
  }
}

/** A stream's share of the memory for objects; nothing is booked for a model that keeps none. */
function objectMemoryOf({ segmenter, objectMemory }: SessionParts): ObjectMemoryShare {
  const pool = objectMemory ?? new ObjectMemoryPool();
  return pool.open(segmenter.info.objectMemory?.maxBytes ?? 0);
}
