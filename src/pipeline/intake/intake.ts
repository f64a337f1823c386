import { catchError, EMPTY, Subject, takeUntil, tap, type Observable } from 'rxjs';
import type { Frame } from '../../frame/frame.ts';
import type { PromptUpdate } from '../../frame/prompt.ts';
import type { SessionInput, SessionOptions, SessionParts } from '../session-types.ts';
import { InputReader, type VideoQueueing } from './input-reader.ts';
import { newestWithCredit } from './newest-with-credit.ts';
import { pullWithCredit } from './pull-with-credit.ts';
import { QueueingDelay } from './queueing-delay.ts';
import { readAhead } from './read-ahead.ts';
import { resumeAfter } from './resume-after.ts';
import {
  conflateItems,
  discardItem,
  scheduleFrames,
  type ScheduledItem,
} from './schedule-frames.ts';

/** What the intake tells and asks its session. */
export type IntakeSession = {
  /** Takes an update in; one whose frame was processed already is a correction. */
  readonly accept: (update: PromptUpdate) => 'refused' | 'held' | 'correction';
  /** Resolves when answers to prompts may be added. */
  readonly room: () => Promise<void>;
  readonly needsNextFrame: (frame: Frame) => boolean;
  readonly countFrames: (count: number) => void;
  /** The user saw this frame. */
  readonly seen: (frameIndex: number) => void;
  /** No more prompts come, and nothing more is told of what was seen. */
  readonly endOfPrompts: () => void;
  /** The decoder has taken so many bytes of video; only where it is read ahead. */
  readonly taken: (bytes: number) => void;
  /** A frame was read before its turn. */
  readonly prefetch: (item: ScheduledItem) => void;
  /** The client's messages or the video broke; what came before is still answered. */
  readonly onFailure: (reason: unknown) => void;
};

/** Video that waits for the decoder of a stream whose unseen frames are bounded. */
const aheadBounds = { maxBytes: 1 << 20, maxChunks: 256 };

/** Decoded frames that EVERY_FRAME reads before their turn. */
const framesAhead = 4;

/**
 * What comes into one stream: the client's messages are parted into video and prompts, the video is
 * decoded, and frames are handed over one at a time, when the session asks.
 */
export class Intake {
  /** What the decoder gave, one item each time it is asked for; ends where the video ends or breaks. */
  readonly items$: Observable<ScheduledItem>;
  /** Updates that name a frame which was processed already. */
  readonly corrections$: Observable<PromptUpdate>;
  readonly #credit$ = new Subject<void>();
  readonly #corrections$ = new Subject<PromptUpdate>();
  readonly #stopped$ = new Subject<void>();
  readonly #reader: InputReader;
  /** Innermost last: each is ended when the stream is. */
  readonly #sources: AsyncGenerator<ScheduledItem, void, undefined>[] = [];
  /** Handed over and not begun yet: a frame behind a correction. */
  readonly #untaken = new Set<ScheduledItem>();
  #failed = false;

  /** Starts reading at once; to be subscribed to in the same turn of the event loop. */
  constructor(
    inputs: AsyncIterable<SessionInput>,
    options: SessionOptions,
    { decode, nowMs }: Pick<SessionParts, 'decode' | 'nowMs'>,
    session: IntakeSession,
  ) {
    const { container, frameRate, maxFramePixels, signal } = options;
    const onPrompt = (update: PromptUpdate): void => {
      if (session.accept(update) === 'correction') this.#corrections$.next(update);
    };
    const onEnd = (): void => {
      this.#corrections$.complete();
      session.endOfPrompts();
    };
    const { onFailure, room, seen: onSeen } = session;
    const handlers = { onPrompt, onSeen, room, onFailure, onEnd };
    const reader = new InputReader(inputs, handlers, queueingOf(options, { nowMs, session }));
    const framesSkippedBefore = (frames: number, position: number | null): number =>
      reader.framesSkippedBefore(frames, position);
    const events = decode(reader.chunks, {
      container,
      frameRate,
      framesSkippedBefore,
      ...(maxFramePixels === undefined ? {} : { maxFramePixels }),
      yields: options.delivery !== 'latest',
      signal,
    });
    const all = scheduleFrames(events, {
      needsNextFrame: session.needsNextFrame,
      takeCaptureTimestamp: (position) => reader.takeCaptureTimestamp(position),
      onFrames: session.countFrames,
    });
    const scheduled = options.resume === null ? all : resumeAfter(all, options.resume);
    this.#reader = reader;
    this.#sources.push(scheduled);
    this.corrections$ = this.#corrections$;
    this.items$ = this.#queued(scheduled, options, { nowMs, session }).pipe(
      takeUntil(this.#stopped$),
      tap((item) => this.#untaken.add(item)),
      catchError((reason: unknown) => {
        this.#failed = true;
        onFailure(reason);
        // Nothing more will come of this video: do not wait for the client's half-close.
        onEnd();
        return EMPTY;
      }),
    );
  }

  /**
   * The video came to its end, which the client said, and its messages did not: prompts for held frames
   * may still come.
   */
  get promptsOnly(): boolean {
    return this.#reader.promptsOnly && !this.#failed;
  }

  /** Asks for one more item. */
  ask(): void {
    this.#credit$.next();
  }

  /** An item is begun; whoever does that owns its frame. */
  take(item: ScheduledItem): void {
    this.#untaken.delete(item);
  }

  /** Everything runs dry: nothing more comes in. Idempotent. */
  stop(): void {
    this.#reader.close();
    this.#corrections$.complete();
    this.#stopped$.next();
  }

  /** Ends the decoder and frees what nobody took; idempotent. */
  async close(): Promise<void> {
    this.#reader.close();
    for (const item of this.#untaken) discardItem(item);
    this.#untaken.clear();
    for (const source of this.#sources.toReversed()) await source.return();
  }

  /** EVERY_FRAME waits for its turn and reads a little ahead; in LATEST the newest wins. */
  #queued(
    scheduled: AsyncIterable<ScheduledItem>,
    { delivery }: SessionOptions,
    { nowMs, session }: { readonly nowMs: () => number; readonly session: IntakeSession },
  ): Observable<ScheduledItem> {
    if (delivery === 'latest') {
      const delay = new QueueingDelay(nowMs);
      // A warning gives way at once.
      const mayWait = (item: ScheduledItem): boolean =>
        item.kind === 'frame' && delay.mayWait(item.frame.decodedAtMs);
      const conflate = (older: ScheduledItem, newer: ScheduledItem): ScheduledItem => {
        // A warning that gives way is no lost frame.
        if (older.kind === 'frame' && newer.kind === 'frame') delay.onDrop();
        return conflateItems(older, newer);
      };
      const options = { mayWait, conflate, discard: discardItem };
      return newestWithCredit(scheduled, this.#credit$, options);
    }
    const { prefetch: onRead } = session;
    const ahead = readAhead(scheduled, { depth: framesAhead, onRead, discard: discardItem });
    this.#sources.push(ahead);
    return pullWithCredit(ahead, this.#credit$, discardItem);
  }
}

function queueingOf(
  { container, delivery, maxUnseenFrames = 0 }: SessionOptions,
  { nowMs, session }: { readonly nowMs: () => number; readonly session: IntakeSession },
): VideoQueueing {
  if (delivery === 'latest') return { kind: 'live', container, nowMs };
  if (maxUnseenFrames === 0) return { kind: 'in-step' };
  return { kind: 'ahead', bounds: aheadBounds, onTaken: session.taken };
}
