import { SegmentationError } from '../frame/errors.ts';
import type { Frame } from '../frame/frame.ts';
import type { Size } from '../frame/geometry.ts';
import type { PromptUpdate } from '../frame/prompt.ts';
import { resizeMask } from '../tracking/render-objects.ts';
import type { PromptOutcome } from './apply-prompts.ts';
import type { EventQueue } from './event-queue.ts';
import { FrameProcessor } from './frame-processor.ts';
import type { FrameTask, ProcessedFrame } from './frame-task.ts';
import type { VideoFormat } from './ports.ts';
import { PromptBook } from './prompt-book.ts';
import { RetainedFrames, type RetainedFrame } from './retained-frames.ts';
import type { ScheduledFrame, ScheduledItem } from './schedule-frames.ts';
import type {
  FrameResult,
  ResumeObject,
  SessionEvent,
  SessionOptions,
  SessionParts,
} from './session-types.ts';
import { StageStatistics } from './stage-clock.ts';
import type { TrackerHandle } from './tracker-pool.ts';

/** Processed frames between two overload notices. */
const overloadNoticeFrames = 150;

/** Request id of the updates that a resumed stream makes for itself; never acknowledged. */
const resumeRequestId = -1;

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
  readonly #book: PromptBook;
  readonly #processor: FrameProcessor;
  readonly #retained: RetainedFrames;
  readonly #statistics = new StageStatistics();
  #resume: readonly ResumeObject[];
  #format: VideoFormat | null = null;
  #framesIn = 0;
  #framesOut = 0;
  #framesDropped = 0;
  #nextOverloadNotice = 0;
  #truncated = false;
  #videoEnded = false;
  /** Corrections that wait for their turn. */
  #corrections = 0;
  #newest: FrameResult | null = null;
  readonly #unwatchRestarts: (() => void) | undefined;

  constructor(options: SessionOptions, parts: SessionParts, sinks: SessionSinks) {
    this.#options = options;
    this.#parts = parts;
    this.#events = sinks.events;
    this.#book = new PromptBook(parts.segmenter.info, options.limits);
    this.#processor = new FrameProcessor(options, parts, sinks.tracker);
    this.#retained = new RetainedFrames(options.limits);
    this.#resume = options.resume;
    this.#book.adopt(options.resume.map(({ objectId }) => objectId));
    this.#unwatchRestarts = parts.watchRestarts?.(() =>
      this.#notice('worker-restarted', 'a model worker was restarted; no frame is lost'),
    );
    void options.goingAway?.then(() => this.#announceGoingAway());
  }

  /** Whether it takes the next frame's time to know the prompts of this one. */
  needsNextFrame(frame: Frame): boolean {
    return this.#book.needsNextFrame(frame);
  }

  /** One more frame came out of the decoder. */
  countDecoded(): void {
    this.#framesIn++;
  }

  /** A frame was read before its turn: what is certain to be needed may begin. */
  foresee(item: ScheduledItem): void {
    if (item.kind === 'frame') this.#processor.encodeAhead(item.frame);
  }

  /**
   * Takes an update in: refused at once, held for its frame, or, where its frame was processed
   * already, to be handed to `correct`.
   */
  accept(update: PromptUpdate): 'refused' | 'held' | 'correction' {
    try {
      const past = this.#isPast(update);
      const display = past ? this.#retained.displayAt(update.at) : this.#format?.display;
      const accepted = this.#book.accept(update, display ?? null, this.#corrections);
      if (past) {
        this.#corrections++;
        return 'correction';
      }
      this.#book.hold(accepted);
      return 'held';
    } catch (reason) {
      this.#refuse(update, SegmentationError.from(reason));
      return 'refused';
    }
  }

  /** Processes what the decoder gave; owns a frame from here on. */
  async take(item: ScheduledItem): Promise<void> {
    switch (item.kind) {
      case 'warning':
        return this.#notice('decode-warning', item.message);
      case 'truncated':
        return this.#announceTruncated(item.message);
      case 'frame':
        await this.#takeFrame(item);
        if (item.truncated !== null) this.#announceTruncated(item.truncated);
    }
  }

  /** No more frames: what names a time after the last one belongs to the last one. */
  async endVideo(): Promise<void> {
    this.#videoEnded = true;
    await this.#correctPast([]);
  }

  /** As `correct`, for an update that `accept` called a correction. */
  async correctQueued(update: PromptUpdate): Promise<void> {
    this.#corrections--;
    await this.correct(update);
  }

  /**
   * Applies an update to a held frame and answers that frame and all after it again, with the next
   * revision, before any newer frame.
   */
  async correct(update: PromptUpdate): Promise<void> {
    if (update.at.kind === 'next') return this.#book.hold(update);
    let frameIndex: number;
    try {
      frameIndex = this.#retained.resolve(update.at);
    } catch (reason) {
      this.#book.undo(update);
      return this.#refuse(update, SegmentationError.from(reason));
    }
    const start = this.#retained.before(frameIndex);
    await this.#processor.restore(start.frame, start.state);
    for (const held of this.#retained.from(frameIndex)) {
      await this.#replay(held, held.frame.index === frameIndex ? update : null);
    }
    this.#processor.releaseFeatures(this.#retained.states());
  }

  /** Answers prompts whose frame never came, and sends the summary. */
  finish(): void {
    for (const update of this.#book.takeAll()) {
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
    this.#retained.close();
    await this.#processor.close();
  }

  #isPast({ at }: PromptUpdate): boolean {
    if (this.#retained.isPast(at)) return true;
    return this.#videoEnded && at.kind === 'timestamp' && this.#retained.newest !== undefined;
  }

  /** Corrects with updates that came, or turned out to belong, behind their frame. */
  async #correctPast(missed: readonly PromptUpdate[]): Promise<void> {
    const past = this.#book.takeWhere((update) => this.#isPast(update));
    for (const update of [...missed, ...past]) await this.correct(update);
  }

  #announceTruncated(message: string): void {
    this.#truncated = true;
    this.#notice('truncated-input', message);
  }

  async #takeFrame(item: ScheduledFrame): Promise<void> {
    const { frame } = item;
    try {
      const sizeChanged = item.format !== null && this.#announceFormat(item.format);
      if (item.framesDroppedBefore > 0) this.#countDropped(item.framesDroppedBefore);
      const { due, missed } = this.#book.take(frame, item.nextTimestampUs);
      const resumed = this.#resume.length > 0;
      const task: FrameTask = {
        frame,
        updates: [...this.#takeResume(frame.display), ...due],
        sizeChanged,
        resumed,
        framesDroppedBefore: item.framesDroppedBefore,
        captureTimestampUs: item.captureTimestampUs,
        revision: 0,
        queuedAtMs: frame.decodedAtMs,
      };
      const processed = await this.#processor.process(task);
      this.#report(processed);
      this.#framesOut++;
      this.#statistics.add(processed.result.timings);
      this.#retained.push({ ...heldAs(task, processed), frame: frame.retain() });
      this.#processor.releaseFeatures(this.#retained.states());
      // Also those that came while the frame was in work.
      await this.#correctPast(missed);
    } finally {
      frame.close();
    }
  }

  async #replay(held: RetainedFrame, update: PromptUpdate | null): Promise<void> {
    const task: FrameTask = {
      ...held,
      updates: update === null ? held.updates : [...held.updates, update],
      revision: held.revision + 1,
      queuedAtMs: this.#parts.nowMs(),
    };
    const processed = await this.#processor.process(task);
    const answered = new Set(held.updates);
    const fresh = processed.outcomes.filter((outcome) => !answered.has(outcome.update));
    this.#report({ ...processed, outcomes: fresh });
    this.#retained.update({ ...heldAs(task, processed), frame: held.frame });
  }

  /** Acks go before the masks that they affect. */
  #report(processed: ProcessedFrame): void {
    const { result } = processed;
    for (const outcome of processed.outcomes) this.#answer(outcome, result.frameIndex);
    this.#newest = result;
    this.#events.push({ kind: 'masks', result });
  }

  #answer(outcome: PromptOutcome, frameIndex: number): void {
    const { update } = outcome;
    if (update.requestId === resumeRequestId) return;
    if (outcome.kind === 'refused') {
      this.#book.undo(update);
      this.#refuse(update, outcome.error);
      return;
    }
    const { objectIds } = outcome;
    if (update.text !== null) {
      const { firstObjectId, maxObjects } = update.text;
      const range = Array.from({ length: maxObjects }, (_, i) => firstObjectId + i);
      this.#book.release(range.filter((objectId) => !objectIds.includes(objectId)));
    }
    this.#events.push({ kind: 'ack', requestId: update.requestId, frameIndex, objectIds });
  }

  /** Returns whether an earlier format had another display size. */
  #announceFormat(format: VideoFormat): boolean {
    const { width, height } = this.#options.expectedSize;
    const { display } = format;
    const before = this.#format;
    if (before === null && (width ?? display.width) !== display.width) throw sizeMismatch();
    if (before === null && (height ?? display.height) !== display.height) throw sizeMismatch();
    this.#format = format;
    const { info } = this.#parts.segmenter;
    const { name: model, provider } = info;
    const { limits } = this.#options;
    this.#events.push({ kind: 'info', format, model, provider, limits });
    if (before === null) return false;
    return before.display.width !== display.width || before.display.height !== display.height;

    function sizeMismatch(): SegmentationError {
      return new SegmentationError(
        'size-mismatch',
        `expected ${width ?? 'any'} x ${height ?? 'any'}, got ${display.width} x ${display.height}`,
      );
    }
  }

  #countDropped(frames: number): void {
    this.#framesDropped += frames;
    if (this.#framesOut < this.#nextOverloadNotice) return;
    this.#nextOverloadNotice = this.#framesOut + overloadNoticeFrames;
    this.#notice('overload', `the server falls behind: ${this.#framesDropped} frames skipped`);
  }

  /** A resumed stream begins with its objects' last masks, as if the client had drawn them. */
  #takeResume(display: Size): PromptUpdate[] {
    const objects = this.#resume;
    this.#resume = [];
    return objects.map(({ objectId, label, mask }) => ({
      requestId: resumeRequestId,
      objectId,
      action: 'add',
      at: { kind: 'next' },
      // The client may have asked for masks of another size than the picture's.
      prompts: { points: [], box: null, mask: resizeMask(mask, display) },
      text: null,
      label,
    }));
  }

  #announceGoingAway(): void {
    const objects = this.#newest?.objects ?? this.#resume;
    const resume = objects.flatMap(({ objectId, label, mask }) =>
      mask.area === 0 ? [] : [{ objectId, label, mask }],
    );
    const message = 'the server is going away; open a new stream with the resume state';
    this.#events.push({ kind: 'notice', notice: 'going-away', message, resume });
  }

  #notice(notice: Extract<SessionEvent, { kind: 'notice' }>['notice'], message: string): void {
    this.#events.push({ kind: 'notice', notice, message, resume: null });
  }

  #refuse(update: PromptUpdate, error: SegmentationError): void {
    const { code, message } = error;
    this.#events.push({ kind: 'prompt-error', requestId: update.requestId, code, message });
  }
}

/** What is kept of a processed frame, besides the frame itself. */
function heldAs(task: FrameTask, processed: ProcessedFrame): Omit<RetainedFrame, 'frame'> {
  const { updates, sizeChanged, resumed, framesDroppedBefore, captureTimestampUs, revision } = task;
  const kept = { updates, sizeChanged, resumed, framesDroppedBefore, captureTimestampUs };
  return { ...kept, state: processed.state, revision };
}
