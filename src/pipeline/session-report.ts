import { sameSize } from '../frame/geometry.ts';
import type { VideoFormat } from '../frame/ports.ts';
import { checkSize } from './check-size.ts';
import type { EventQueue } from './event-queue.ts';
import type { KeyframeCounts } from './keyframe/keyframe-stage.ts';
import type { FrameResult, SessionEvent, SessionOptions, SessionParts } from './session-types.ts';
import { StageStatistics } from './stage-clock.ts';

/** Processed frames between two overload notices. */
const overloadNoticeFrames = 150;

type Notice = Extract<SessionEvent, { kind: 'notice' }>;

/** What a stream tells its client besides answers to prompts, and the counts of its summary. */
export class SessionReport {
  readonly #options: SessionOptions;
  readonly #model: SessionParts['segmenter']['info'];
  readonly #events: EventQueue<SessionEvent>;
  readonly #statistics = new StageStatistics();
  #format: VideoFormat | null = null;
  #framesIn = 0;
  #framesOut = 0;
  #framesDropped = 0;
  #nextOverloadNotice = 0;
  #truncated = false;
  #newest: FrameResult | null = null;

  constructor(
    options: SessionOptions,
    model: SessionParts['segmenter']['info'],
    events: EventQueue<SessionEvent>,
  ) {
    this.#options = options;
    this.#model = model;
    this.#events = events;
  }

  /** Of the newest frames; null before the first. */
  get format(): VideoFormat | null {
    return this.#format;
  }

  /** Frames that came out of the decoder, or were skipped before it. */
  get framesIn(): number {
    return this.#framesIn;
  }

  /** What was last answered, or taken over from the stream that this one resumes. */
  get newest(): FrameResult | null {
    return this.#newest;
  }

  /** So many more frames came. */
  countFrames(count: number): void {
    this.#framesIn += count;
  }

  /** So many more frames were skipped; the client hears of it now and then. */
  countDropped(frames: number): void {
    this.#framesDropped += frames;
    if (this.#framesOut < this.#nextOverloadNotice) return;
    this.#nextOverloadNotice = this.#framesOut + overloadNoticeFrames;
    this.notice('overload', `the server falls behind: ${this.#framesDropped} frames skipped`);
  }

  /** A frame's timings go into the summary; its masks have been sent. */
  countAnswered({ timings }: FrameResult): void {
    this.#framesOut++;
    this.#statistics.add(timings);
  }

  /**
   * Announces the format of the frames to come. Returns whether an earlier one had another display
   * size. Throws where the first one is not as the client expected it.
   */
  announceFormat(format: VideoFormat): boolean {
    const { display } = format;
    const before = this.#format;
    const { limits, expectedSize } = this.#options;
    if (before === null) checkSize(display, expectedSize);
    this.#format = format;
    const { name: model, provider } = this.#model;
    this.#events.push({ kind: 'info', format, model, provider, limits });
    return before !== null && !sameSize(before.display, display);
  }

  /** Notes an answer that is not sent: the stream that this one resumes has sent it. */
  adopt(result: FrameResult): void {
    this.#newest = result;
  }

  /** Sends a frame's masks. */
  masks(result: FrameResult): void {
    this.#newest = result;
    this.#events.push({ kind: 'masks', result });
  }

  /** The input ended in the middle of something. */
  truncated(message: string): void {
    this.#truncated = true;
    this.notice('truncated-input', message);
  }

  /** Sends a notice. */
  notice(notice: Notice['notice'], message: string, resume: Notice['resume'] = null): void {
    this.#events.push({ kind: 'notice', notice, message, resume });
  }

  /** Sends the summary. */
  summarize(keyframes: KeyframeCounts): void {
    const summary = {
      framesIn: this.#framesIn,
      framesOut: this.#framesOut,
      framesDropped: this.#framesDropped,
      ...keyframes,
      truncated: this.#truncated,
      stages: this.#statistics.read(),
    };
    this.#events.push({ kind: 'summary', summary });
  }
}
