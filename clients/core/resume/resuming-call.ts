/* eslint-disable max-lines -- one state machine: its parts have files of their own */
import { Delivery, ResumeState } from '../../../src/gen/maskstream/v1/video_request.ts';
import type {
  PromptUpdate,
  SegmentVideoRequest,
  StreamConfig,
  VideoChunk,
} from '../../../src/gen/maskstream/v1/video_request.ts';
import { NoticeKind } from '../../../src/gen/maskstream/v1/video_response.ts';
import type {
  FrameMasks,
  Notice,
  PromptAck,
  SegmentVideoResponse,
  StreamInfo,
} from '../../../src/gen/maskstream/v1/video_response.ts';
import type { CallEnd, VideoCall } from '../video-call.ts';
import { type Clock, systemClock } from './back-off.ts';
import { ContinuousCount } from './continuous-count.ts';
import { openDroppable } from './droppable-call.ts';
import { isFinal } from './end-rule.ts';
import { FrameAlignment } from './frame-alignment.ts';
import { KeptObjects } from './kept-objects.ts';
import { KeptPrompts } from './kept-prompts.ts';
import { KeptVideo } from './kept-video.ts';
import { PromptLane } from './prompt-lane.ts';
import { planContinuation, planRewind, type ResumePlan } from './resume-plan.ts';
import type { ResumableCall, ResumingCallEvents, ResumingCallOptions } from './resumable-call.ts';
import { ServerTurns } from './server-turns.ts';

/** `waiting`: between two calls; `suspended`: until its owner goes on. */
type State = 'streaming' | 'waiting' | 'suspended' | 'over';

const defaultMaxKeptBytes = 8 * 1024 * 1024;

/**
 * A call that outlives its server: to its owner one call like any other, with one count of frames and
 * no frame twice. docs/resume.md has its states and rules.
 */
export function openResumingCall(
  config: StreamConfig,
  options: ResumingCallOptions,
  events: ResumingCallEvents,
): ResumableCall {
  return new ResumingCall(config, options, events);
}

class ResumingCall implements ResumableCall {
  readonly #config: StreamConfig;
  readonly #options: ResumingCallOptions;
  readonly #events: ResumingCallEvents;
  readonly #clock: Clock;
  readonly #video: KeptVideo;
  readonly #objects: KeptObjects;
  readonly #prompts: KeptPrompts;
  readonly #count = new ContinuousCount();
  readonly #turns: ServerTurns;
  #state: State = 'streaming';
  #call: VideoCall | null = null;
  /** Leaves the call in hand. */
  #drop: (() => void) | null = null;
  #alignment: FrameAlignment;
  #info: StreamInfo | null = null;
  #takeBack: (() => void) | null = null;
  #videoEnded = false;
  #ended = false;
  #paused = false;
  #toldAnswered = false;
  /** Bytes that were taken while there was no call. */
  #heldBytes = 0;
  #lane: PromptLane | null = null;
  #rewind: (() => void) | null = null;
  /** The newest frame that the caller told to be seen. */
  #seen: number | null = null;
  /**
   * Prompts for a suspended stream, for when its frames are answered again: before, they would be part
   * of answers that are not handed over.
   */
  readonly #deferred: PromptUpdate[] = [];

  constructor(config: StreamConfig, options: ResumingCallOptions, events: ResumingCallEvents) {
    this.#config = config;
    this.#options = options;
    this.#events = events;
    this.#clock = options.clock ?? systemClock;
    this.#video = new KeptVideo(config.container, options.maxKeptBytes ?? defaultMaxKeptBytes);
    this.#objects = new KeptObjects(config);
    this.#prompts = new KeptPrompts(config.resume);
    const start = { offset: 0, isExact: true, frameRate: null, isSynthetic: false };
    this.#alignment = new FrameAlignment(start);
    this.#turns = new ServerTurns(options.servers.length, this.#clock.nowMs, options);
    this.#open({ ...config });
  }

  get bufferedBytes(): number {
    if (this.#state === 'streaming') return this.#call?.bufferedBytes ?? 0;
    // Whoever sends the video again from its start waits for being told to; a live picture for nobody.
    if (this.#rewind !== null) return Number.MAX_SAFE_INTEGER;
    return this.#config.delivery === Delivery.DELIVERY_LATEST ? 0 : this.#heldBytes;
  }

  rewindBy(rewind: () => void): void {
    this.#rewind = rewind;
    this.#objects.rewinds = true;
    this.#prompts.keepsAll = this.#repeats;
  }

  send({ message }: SegmentVideoRequest): void {
    if (this.#state === 'over') return;
    switch (message?.$case) {
      case 'chunk':
        return this.#sendChunk(message.value);
      case 'prompt':
        if (this.#state === 'suspended' && this.#repeats) this.#deferred.push(message.value);
        else this.#prompt(message.value);
        return;
      case 'endOfVideo':
        this.#videoEnded = true;
        if (this.#state === 'streaming') this.#call?.send({ message });
        return;
      case 'seen':
        this.#seen = message.value.frameIndex;
        return this.#tellSeen();
      case 'config': // was sent when the call was opened
      case undefined:
        return;
    }
  }

  end(): void {
    this.#ended = true;
    if (this.#state === 'streaming') this.#call?.end();
  }

  goOn(): void {
    if (this.#state !== 'suspended') return;
    this.#state = 'waiting';
    this.#turns.restart();
    this.#goOnElsewhere();
  }

  cancel(): void {
    this.#state = 'over';
    this.#takeBack?.();
    this.#drop?.();
  }

  pause(): void {
    this.#paused = true;
    this.#call?.pause?.();
  }

  resume(): void {
    this.#paused = false;
    this.#call?.resume?.();
  }

  /** Every frame of a video that is sent again is worked on again: the answers are the same. */
  get #repeats(): boolean {
    const isComplete = this.#config.delivery === Delivery.DELIVERY_EVERY_FRAME;
    return isComplete && this.#rewind !== null;
  }

  get #newest(): number {
    return this.#objects.newest?.frameIndex ?? -1;
  }

  /** As soon as it is known how the call counts. */
  #tellSeen(): void {
    const { offset } = this.#alignment;
    if (this.#seen === null || offset === null || this.#state !== 'streaming') return;
    const frameIndex = this.#seen - offset;
    if (frameIndex >= 0) this.#call?.send({ message: { $case: 'seen', value: { frameIndex } } });
  }

  #prompt(update: PromptUpdate): void {
    this.#prompts.add(update);
    if (this.#state === 'streaming') this.#lane?.send(update);
  }

  #sendChunk(chunk: VideoChunk): void {
    if (this.#rewind === null) this.#video.add(chunk);
    if (this.#state === 'streaming') {
      this.#call?.send({ message: { $case: 'chunk', value: chunk } });
    } else this.#heldBytes += chunk.data.length;
  }

  #open(config: StreamConfig): void {
    const open = this.#options.servers[this.#turns.current];
    if (open === undefined) throw new Error('expected a server, got none');
    this.#state = 'streaming';
    this.#heldBytes = 0;
    const { call, drop } = openDroppable(open, {
      onResponse: (response) => this.#receive(response),
      onEnd: (end) => this.#finish(end),
      onSent: () => this.#events.onSent?.(),
    });
    this.#call = call;
    this.#drop = drop;
    this.#lane = new PromptLane(call, this.#alignment, (ack) => this.#handOver(ack));
    if (this.#paused) call.pause?.();
    call.send({ message: { $case: 'config', value: config } });
  }

  #receive({ message }: SegmentVideoResponse): void {
    this.#count.begun = true;
    switch (message?.$case) {
      case 'info':
        this.#info = message.value;
        return this.#deliver('info', this.#alignment.info(message.value, this.#newest));
      case 'ack':
        this.#lane?.acknowledged();
        return this.#handOver(this.#alignment.ack(message.value));
      case 'masks':
        return this.#takeMasks(message.value);
      case 'notice':
        return this.#takeNotice(message.value);
      case 'taken':
        return this.#deliver('taken', message.value);
      case 'summary':
        // Handed over when it is known that no other call follows.
        this.#count.summary = message.value;
        return;
      case undefined: // of a later version
        return;
    }
  }

  #handOver(ack: PromptAck): void {
    if (this.#prompts.acknowledge(ack, this.#newest)) this.#deliver('ack', ack);
  }

  #takeMasks(came: FrameMasks): void {
    if (this.#turns.isResuming) this.#align(came);
    const masks = this.#alignment.masks(came);
    if (masks.frameIndex >= this.#newest) {
      for (const update of this.#deferred.splice(0)) this.#prompt(update);
    }
    const isNew = masks.frameIndex > this.#newest;
    if (!isNew && masks.revision === 0) return;
    const delivered = this.#turns.isResuming && isNew ? this.#goOn(masks) : masks;
    this.#objects.take(delivered, this.#video);
    const objectIds = delivered.objects.map(({ objectId }) => objectId);
    this.#prompts.seen(delivered.frameIndex, objectIds);
    if (isNew) {
      this.#video.answered(delivered);
      this.#count.add(delivered);
    }
    this.#deliver('masks', delivered);
  }

  /** The first answer of a call says where it stands, if nothing did before. */
  #align(masks: FrameMasks): void {
    const sent = this.#alignment.isExact ? null : this.#video.indexAt(masks.captureTimestampUs);
    if (sent !== null) this.#alignment.align(masks.frameIndex, sent);
    else if (this.#alignment.offset === null) {
      const known = this.#count.indexAt(masks, this.#objects.newest);
      if (known !== null) this.#alignment.align(masks.frameIndex, known);
      else this.#alignment.guess(masks.frameIndex, this.#newest + 1);
    }
    this.#lane?.aligned();
    this.#tellSeen();
  }

  /** The first new frame after an interruption, with all that is missing before it. */
  #goOn(masks: FrameMasks): FrameMasks {
    const missing = masks.frameIndex - this.#newest - 1;
    const isKnown = this.#alignment.isKnown;
    const gapFrames = isKnown ? Math.max(0, missing - masks.framesDroppedBefore) : null;
    const awayMs = this.#turns.answered();
    this.#events.onResumed?.({ gapFrames, awayMs });
    return { ...masks, framesDroppedBefore: missing };
  }

  #takeNotice(notice: Notice): void {
    const isLeaving = notice.kind === NoticeKind.NOTICE_KIND_GOING_AWAY;
    if (isLeaving) this.#objects.handOver(notice.resume);
    // One that goes away goes on for a while: with nobody else to ask, that is better than nothing.
    const { servers, resumes = true } = this.#options;
    if (resumes && isLeaving && servers.length > 1 && this.#planNext() !== null) {
      this.#drop?.();
      this.#interrupt(notice);
      return;
    }
    if (notice.kind === NoticeKind.NOTICE_KIND_VIDEO_ANSWERED) {
      if (this.#toldAnswered) return;
      this.#toldAnswered = true;
    }
    this.#deliver('notice', notice);
  }

  #finish(end: CallEnd): void {
    if (this.#suspends(end)) {
      this.#turns.isResuming = true;
      this.#leave('suspended');
      this.#events.onSuspended?.();
    } else if (this.#goesOnAfter(end)) this.#interrupt(end);
    else this.#over(end);
  }

  #goesOnAfter(end: CallEnd): boolean {
    if (this.#options.resumes === false) return false;
    const hasBegun = this.#count.begun;
    if (isFinal(end, this.#turns) || !this.#turns.mayGoOn(hasBegun)) return false;
    return !hasBegun || this.#planNext() !== null;
  }

  #suspends(end: CallEnd): boolean {
    if (this.#options.resumes === false || !this.#count.begun) return false;
    const isWanted = this.#options.suspends?.(end, this.#turns) ?? false;
    return isWanted && this.#planNext() !== null;
  }

  #leave(state: 'waiting' | 'suspended'): void {
    this.#state = state;
    this.#call = null;
    this.#drop = null;
    this.#count.endCall();
  }

  #over(end: CallEnd): void {
    this.#state = 'over';
    const summary = this.#count.total(this.#alignment.offset ?? 0, this.#repeats);
    if (summary !== null) this.#deliver('summary', summary);
    this.#events.onEnd(end);
  }

  #interrupt(why: CallEnd | Notice): void {
    const hasBegun = this.#count.begun;
    if (!this.#turns.isResuming && hasBegun) this.#events.onInterrupted?.(why);
    const retryAfterMs = 'retryAfterMs' in why ? (why.retryAfterMs ?? 0) : 0;
    const pauseMs = this.#turns.next(hasBegun, retryAfterMs);
    this.#leave('waiting');
    this.#takeBack = this.#clock.later(pauseMs, () => this.#goOnElsewhere());
  }

  /** What the next call begins with; null where the stream cannot go on. */
  #planNext(): ResumePlan | null {
    if (this.#repeats) {
      return { state: ResumeState.fromPartial({}), chunks: [], offset: 0, isExact: true };
    }
    const plan = this.#rewind === null ? planContinuation : planRewind;
    return plan({
      video: this.#video,
      objects: this.#objects,
      removedObjectIds: this.#prompts.removedObjectIds,
      searches: this.#prompts.searches,
    });
  }

  #goOnElsewhere(): void {
    if (this.#state !== 'waiting') return;
    const plan = this.#planNext();
    if (plan === null) return;
    const frameRate = this.#info?.frameRate ?? this.#config.frameRate ?? null;
    const isSynthetic = this.#objects.newest?.timestampSynthetic ?? false;
    this.#alignment = new FrameAlignment({ ...plan, frameRate, isSynthetic });
    const resume = this.#newest < 0 || this.#repeats ? this.#config.resume : plan.state;
    this.#open({ ...this.#config, resume });
    const updates = this.#repeats ? this.#prompts.all(this.#newest) : this.#prompts.waiting();
    this.#lane?.repeat(updates);
    this.#tellSeen();
    if (this.#rewind !== null) {
      [this.#videoEnded, this.#ended] = [false, false];
      this.#rewind();
      return;
    }
    for (const value of plan.chunks) this.#call?.send({ message: { $case: 'chunk', value } });
    if (this.#videoEnded) this.#call?.send({ message: { $case: 'endOfVideo', value: {} } });
    if (this.#ended) this.#call?.end();
    this.#events.onSent?.();
  }

  #deliver<K extends Message['$case']>(
    $case: K,
    value: Extract<Message, { $case: K }>['value'],
  ): void {
    this.#events.onResponse({ message: { $case, value } as Message });
  }
}

type Message = NonNullable<SegmentVideoResponse['message']>;
