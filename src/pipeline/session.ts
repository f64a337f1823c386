import {
  catchError,
  concat,
  concatMap,
  EMPTY,
  lastValueFrom,
  map,
  merge,
  of,
  Subject,
  takeUntil,
  tap,
} from 'rxjs';
import type { Observable } from 'rxjs';
import { SegmentationError } from '../frame/errors.ts';
import type { Delivery, PromptUpdate } from '../frame/prompt.ts';
import { EventQueue } from './event-queue.ts';
import { InputReader, type InputHandlers } from './intake/input-reader.ts';
import { newestWithCredit } from './intake/newest-with-credit.ts';
import { pullWithCredit } from './intake/pull-with-credit.ts';
import { readAhead } from './intake/read-ahead.ts';
import {
  discardItem,
  conflateItems,
  scheduleFrames,
  type ScheduledItem,
} from './intake/schedule-frames.ts';
import { SessionCore } from './session-core.ts';
import type {
  RunSession,
  SessionEvent,
  SessionInput,
  SessionOptions,
  SessionParts,
} from './session-types.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/** Events that wait for the client before the next frame is begun: in LATEST they must not grow old. */
const eventBounds: Readonly<Record<Delivery, number>> = { 'every-frame': 8, latest: 2 };

/** Decoded frames that EVERY_FRAME reads before their turn. */
const framesAhead = 4;

/**
 * LATEST lets a frame wait behind the one in work for so long after decoding (maximum queueing delay),
 * though a newer one has come: a moment in which everything comes together is not yet falling behind. Six cameras lose 0 of
 * 2,160 frames in four runs at 90 ms, 8 to 12 at 50 ms with room for two; eight, which are too many,
 * are answered 10 ms later.
 */
const maxQueueingDelayMs = 90;

/** Frames that an asynchronous keyframe may lie back and still be carried forward, at least. */
const asyncKeyframeFrames = 16;

/** Work on one stream, one piece at a time. */
type Task =
  | { readonly kind: 'item'; readonly value: ScheduledItem }
  | { readonly kind: 'correction'; readonly value: PromptUpdate }
  | { readonly kind: 'end' };

/**
 * Runs one stream: video and prompts in, masks out. Frames enter under credit, one at a time, when
 * the frame before is done and the client has room; corrections come in between.
 */
export const runSession: RunSession = (inputs, options, parts) => {
  const events = new EventQueue<SessionEvent>(eventBounds[options.delivery]);
  return (async function* () {
    const stop = new AbortController();
    const signal = AbortSignal.any([options.signal, stop.signal]);
    const done = run({ inputs, options: { ...options, signal }, parts, events });
    try {
      yield* events;
    } finally {
      stop.abort(new SegmentationError('cancelled', 'the stream was ended by its reader'));
      await done;
    }
  })();
};

/** One stream's parts, put together. */
type Stream = {
  readonly inputs: AsyncIterable<SessionInput>;
  readonly options: SessionOptions;
  readonly parts: SessionParts;
  readonly events: EventQueue<SessionEvent>;
};

/** Fills `events` and ends it; never rejects. */
async function run(stream: Stream): Promise<void> {
  const { options, parts, events } = stream;
  let tracker: TrackerHandle | null = null;
  let core: SessionCore | null = null;
  let failure: unknown = null;
  try {
    tracker = await openTracker(options, parts);
    core = new SessionCore(options, parts, { tracker, events });
    failure = await flow(stream, core);
  } catch (reason) {
    failure = reason;
  } finally {
    await core?.close();
    tracker?.close();
  }
  core?.finish();
  if (failure === null) events.end();
  else events.fail(endReason(options.signal, failure));
}

function openTracker(options: SessionOptions, parts: SessionParts): Promise<TrackerHandle> {
  const { info } = parts.segmenter;
  return parts.trackers.open({
    flowEngine: 'dis',
    flowLongSide: 256,
    maskSide: info.maskSide,
    cropSide: info.refiner?.cropSide ?? null,
    historyFrames: Math.max(options.limits.retainedFrames, asyncKeyframeFrames) + 2,
  });
}

/** Runs the stream to its end; returns what ended it early, or null. */
async function flow(stream: Stream, core: SessionCore): Promise<unknown> {
  const { inputs, options, parts, events } = stream;
  const { signal } = options;
  const credit$ = new Subject<void>();
  const corrections$ = new Subject<PromptUpdate>();
  const stopped$ = new Subject<void>();
  // Handed over by the decoder and not begun yet: a frame behind a correction.
  const untaken = new Set<ScheduledItem>();
  const failures: unknown[] = [];
  const { container, frameRate } = options;
  const everyFrame = options.delivery === 'every-frame';
  const handlers: InputHandlers = {
    onPrompt: (update) => {
      if (core.accept(update) === 'correction') corrections$.next(update);
    },
    onFailure: (reason) => failures.push(reason),
    onEnd: () => corrections$.complete(),
  };
  const live = everyFrame ? null : { container, nowMs: parts.nowMs };
  const reader = new InputReader(inputs, handlers, live);
  // Aborted, everything runs dry by itself: no more input, no waiting for room, no work on frames.
  const windUp = (): void => {
    events.unbound();
    reader.close();
    corrections$.complete();
    stopped$.next();
  };
  const framesSkippedBefore = (frames: number): number => reader.framesSkippedBefore(frames);
  const decodeOptions = { container, frameRate, framesSkippedBefore, signal };
  const scheduled = scheduleFrames(parts.decode(reader.chunks, decodeOptions), {
    needsNextFrame: (frame) => core.needsNextFrame(frame),
    takeCaptureTimestamp: () => reader.takeCaptureTimestamp(),
    onFrames: (count) => core.countFrames(count),
  });
  const source = everyFrame ? prefetching(scheduled, core) : scheduled;
  const items$ = everyFrame
    ? pullWithCredit(source, credit$, discardItem)
    : newestWithCredit(source, credit$, {
        mayWait: (item) => isWithinDelay(item, parts.nowMs()),
        conflate: conflateItems,
        discard: discardItem,
      });
  const untilBroken$ = items$.pipe(
    takeUntil(stopped$),
    tap((item) => untaken.add(item)),
    catchError((reason: unknown) => {
      failures.push(reason);
      // Nothing more will come of this video: do not wait for the client's half-close.
      corrections$.complete();
      return EMPTY;
    }),
  );
  // At most one frame has credit, and the pending prompts bound the corrections.
  const video$ = concat(asTasks(untilBroken$, 'item'), of({ kind: 'end' } as const));
  const work$ = merge(video$, asTasks(corrections$, 'correction')).pipe(
    concatMap(async (task) => {
      if (signal.aborted) return;
      if (task.kind === 'item') untaken.delete(task.value);
      await begin(task, core);
      await events.room();
      if (task.kind === 'item') credit$.next();
    }),
  );
  const finished = lastValueFrom(work$, { defaultValue: undefined });
  signal.addEventListener('abort', windUp, { once: true });
  if (signal.aborted) windUp();
  else credit$.next();
  try {
    await finished;
  } catch (reason) {
    failures.push(reason);
  } finally {
    signal.removeEventListener('abort', windUp);
    reader.close();
    for (const item of untaken) discardItem(item);
    await source.return();
    await scheduled.return();
  }
  if (signal.aborted) failures.push(signal.reason);
  return failures[0] ?? null;
}

/** A warning gives way at once. */
function isWithinDelay(item: ScheduledItem, nowMs: number): boolean {
  return item.kind === 'frame' && nowMs - item.frame.decodedAtMs < maxQueueingDelayMs;
}

/** EVERY_FRAME prefetches: it reads a few frames ahead, to encode known keyframes on another core. */
function prefetching(
  scheduled: AsyncIterable<ScheduledItem>,
  core: SessionCore,
): AsyncGenerator<ScheduledItem, void, undefined> {
  return readAhead(scheduled, {
    depth: framesAhead,
    onRead: (item) => core.prefetch(item),
    discard: discardItem,
  });
}

function begin(task: Task, core: SessionCore): Promise<void> {
  switch (task.kind) {
    case 'item':
      return core.take(task.value);
    case 'correction':
      return core.correctQueued(task.value);
    case 'end':
      return core.endVideo();
  }
}

function asTasks<K extends 'item' | 'correction'>(
  source$: Observable<Extract<Task, { kind: K }>['value']>,
  kind: K,
): Observable<Task> {
  return source$.pipe(map((value) => ({ kind, value }) as Task));
}

/** Why a stream ended: an abort explains whatever broke in its wake. */
function endReason(signal: AbortSignal, failure: unknown): SegmentationError {
  if (!signal.aborted) return SegmentationError.from(failure);
  const reason: unknown = signal.reason;
  return reason instanceof SegmentationError
    ? reason
    : new SegmentationError('cancelled', 'the stream was cancelled', { cause: reason });
}
