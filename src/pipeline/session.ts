import { concat, concatMap, lastValueFrom, map, merge, of, type Observable } from 'rxjs';
import { SegmentationError } from '../frame/errors.ts';
import type { Delivery, PromptUpdate } from '../frame/prompt.ts';
import { EventQueue } from './event-queue.ts';
import { Intake } from './intake/intake.ts';
import { UnseenWindow } from './intake/unseen-window.ts';
import type { ScheduledItem } from './intake/schedule-frames.ts';
import { SessionCore } from './session-core.ts';
import type {
  RunSession,
  SessionEvent,
  SessionInput,
  SessionOptions,
  SessionParts,
} from './session-types.ts';
import type { RemoteTrackerOptions } from './tracker/messages.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/** Events that wait for the client before the next frame is begun: in LATEST they must not grow old. */
const eventBounds: Readonly<Record<Delivery, number>> = { 'every-frame': 8, latest: 2 };

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
    const isElsewhere = SegmentationError.from(failure).code === 'inference-unavailable';
    if (isElsewhere) core.announceGoingAway();
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
  const tracker: RemoteTrackerOptions = {
    flowEngine: 'dis',
    flowLongSide: 256,
    maskSide: info.maskSide,
    cropSide: info.refiner?.cropSide ?? null,
    historyFrames: Math.max(options.limits.retainedFrames, asyncKeyframeFrames) + 2,
  };
  return parts.trackers.open(tracker, options.owner);
}

/** Runs the stream to its end; returns what ended it early, or null. */
async function flow(stream: Stream, core: SessionCore): Promise<unknown> {
  const { inputs, options, parts, events } = stream;
  const { signal } = options;
  const failures: unknown[] = [];
  const onFailure = (reason: unknown): void => void failures.push(reason);
  const window = new UnseenWindow(unseenBound(options));
  const intake = new Intake(inputs, options, parts, {
    accept: (update) => core.accept(update),
    needsNextFrame: (frame) => core.needsNextFrame(frame),
    countFrames: (count) => core.countFrames(count),
    prefetch: (item) => core.prefetch(item),
    seen: (frameIndex) => window.seen(frameIndex),
    endOfPrompts: () => window.lift(),
    taken: (bytes) => events.push({ kind: 'taken', bytes }),
    room: () => events.room(),
    onFailure,
  });
  const finished = doTasks({ intake, window, core }, stream);
  // Aborted, everything runs dry by itself: no more input, no waiting for room, no work on frames.
  const windUp = (): void => {
    events.unbound();
    core.leave();
    intake.stop();
  };
  signal.addEventListener('abort', windUp, { once: true });
  if (signal.aborted) windUp();
  else intake.ask();
  try {
    await finished;
  } catch (reason) {
    onFailure(reason);
  } finally {
    signal.removeEventListener('abort', windUp);
    await intake.close();
  }
  if (signal.aborted) onFailure(signal.reason);
  return failures[0] ?? null;
}

/** What a stream's work goes through. */
type Flow = {
  readonly intake: Intake;
  readonly window: UnseenWindow;
  readonly core: SessionCore;
};

/** Never more than can be corrected. */
function unseenBound({ maxUnseenFrames = 0, limits }: SessionOptions): number {
  if (maxUnseenFrames === 0) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.min(maxUnseenFrames, limits.retainedFrames));
}

/** Does what comes in, one task after the other, and asks for the next frame when there is room. */
async function doTasks({ intake, window, core }: Flow, { events, options }: Stream): Promise<void> {
  const video$ = concat(asTasks(intake.items$, 'item'), of({ kind: 'end' } as const));
  // At most one frame has credit, and the pending prompts bound the corrections.
  const work$ = merge(video$, asTasks(intake.corrections$, 'correction')).pipe(
    concatMap(async (task) => {
      if (options.signal.aborted) return;
      if (task.kind === 'item') intake.take(task.value);
      await begin(task, intake, core);
      await events.room();
      if (task.kind !== 'item') return;
      if (task.value.kind === 'frame') window.answered(task.value.frame.index);
      // Not awaited: corrections come in between.
      window.whenOpen(() => core.enter(() => intake.ask()));
    }),
  );
  await lastValueFrom(work$, { defaultValue: undefined });
}

function begin(task: Task, intake: Intake, core: SessionCore): Promise<void> {
  switch (task.kind) {
    case 'item':
      return core.take(task.value);
    case 'correction':
      return core.correctQueued();
    case 'end':
      return core.endVideo(intake.promptsOnly);
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
