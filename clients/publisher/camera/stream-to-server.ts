import { setTimeout as wait } from 'node:timers/promises';
import { describeFrame } from '../../../src/calls/decode-answer.ts';
import type { PlannedPrompt } from '../../../src/calls/planned-prompt.ts';
import { toPrompt } from '../../../src/calls/run-video.ts';
import type { DescribedFrame } from '../../../src/formats/answered-frame.ts';
import { type BackOff, pauseBefore } from '../../core/resume/back-off.ts';
import type { VideoConfig } from '../../core/requests.ts';
import {
  CallFailed,
  type FrameMasks,
  PromptRejected,
  type Resumed,
  type SegmentationClient,
  type StatusName,
  type StreamSummary,
  type VideoStream,
} from '../../typescript/index.ts';
import { type CaptureClock, CaptureStamps } from './capture-stamps.ts';
import type { FormattedUnit, UnitBuffer } from './unit-buffer.ts';

/** One answered picture. */
export type PublishedFrame = {
  readonly frame: DescribedFrame;
  /** Whose clock `frame.captureTimestampUs` is of; null where there is none. */
  readonly captureClock: CaptureClock | null;
  /** As the server sent it, masks packed. */
  readonly masks: FrameMasks;
};

/** What happens on the way to the server. */
export type ServerEvent =
  | {
      readonly kind: 'stream-begun';
      readonly model: string;
      readonly width: number;
      readonly height: number;
    }
  | { readonly kind: 'server-lost'; readonly reason: Error; readonly pauseMs: number }
  | ({ readonly kind: 'resumed' } & Resumed)
  | { readonly kind: 'prompt-refused'; readonly objectId: number; readonly reason: Error }
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'stream-ended'; readonly summary: StreamSummary };

/** How a camera's pictures are sent. */
export type StreamOptions = {
  readonly client: SegmentationClient;
  readonly config: Omit<VideoConfig, 'container' | 'frameRate'>;
  readonly prompts: readonly PlannedPrompt[];
  readonly buffer: UnitBuffer;
  /** Time without an answer after which the server is given up; Infinity: never. */
  readonly giveUpAfterMs: number;
  readonly backOff: BackOff;
  /** The next one waits for it. */
  readonly onFrame: (frame: PublishedFrame) => Promise<void> | void;
  readonly onEvent: (event: ServerEvent) => void;
  readonly signal: AbortSignal;
};

/** Trying again changes nothing. */
const hopeless: ReadonlySet<StatusName> = new Set<StatusName>([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'FAILED_PRECONDITION',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'UNIMPLEMENTED',
]);

/**
 * Sends what the buffer holds until it is closed. The stream outlives its server by itself
 * (docs/resume.md); where even that ends, or the camera begins to encode in another way, a new stream
 * begins with the prompts. Rejects with why the server was given up.
 */
export async function streamToServer(options: StreamOptions): Promise<void> {
  const { buffer, giveUpAfterMs, backOff, onEvent, signal } = options;
  const progress = { answeredAtMs: performance.now(), attempt: 0 };
  let first = await buffer.take(signal);
  progress.answeredAtMs = performance.now();
  while (first !== null) {
    try {
      first = await streamOnce(first, options, progress);
    } catch (reason) {
      signal.throwIfAborted();
      const isLate = performance.now() - progress.answeredAtMs >= giveUpAfterMs;
      if (!(reason instanceof CallFailed) || hopeless.has(reason.status) || isLate) throw reason;
      const pauseMs = pauseBefore(progress.attempt++, backOff, Math.random());
      onEvent({ kind: 'server-lost', reason, pauseMs });
      await wait(pauseMs, undefined, { signal });
      buffer.startAfresh();
      first = await buffer.take(signal);
    }
  }
}

/** One stream; resolves with the picture that needs another one. */
async function streamOnce(
  first: FormattedUnit,
  options: StreamOptions,
  progress: { answeredAtMs: number; attempt: number },
): Promise<FormattedUnit | null> {
  const { client, config, prompts, onEvent, signal } = options;
  const { container, frameRate } = first.format;
  using stream = client.segmentVideo({ ...config, container, frameRate }, { signal });
  const stamps = new CaptureStamps();
  const over = new AbortController();
  let failure: unknown = null;
  const guard = async <T>(work: Promise<T>): Promise<T | null> => {
    try {
      return await work;
    } catch (reason) {
      failure ??= reason;
      over.abort(reason);
      stream.cancel();
      return null;
    }
  };
  let refused = 0;
  for (const prompt of prompts) {
    stream.prompt(toPrompt(prompt)).catch((reason: unknown) => {
      if (!(reason instanceof PromptRejected)) return;
      onEvent({ kind: 'prompt-refused', objectId: prompt.objectId, reason });
      // Nothing is followed: masks of nothing are no result.
      if (++refused === prompts.length) void guard(Promise.reject(reason));
    });
  }
  const bounds = AbortSignal.any([over.signal, signal]);
  const [next] = await Promise.all([
    guard(send(stream, first, { buffer: options.buffer, stamps, signal: bounds })),
    guard(receive(stream, options, { stamps, progress })),
  ]);
  if (failure !== null) throw failure;
  return next;
}

async function send(
  stream: VideoStream,
  first: FormattedUnit,
  { buffer, stamps, signal }: { buffer: UnitBuffer; stamps: CaptureStamps; signal: AbortSignal },
): Promise<FormattedUnit | null> {
  for (let next: FormattedUnit | null = first; ; next = await buffer.take(signal)) {
    if (next === null || next.format !== first.format) {
      stream.end();
      return next;
    }
    const { bytes, randomAccess } = next.unit;
    await stream.sendChunk(bytes, {
      randomAccess,
      captureTimestampUs: stamps.stamp(next.unit),
      endsAccessUnit: true,
    });
  }
}

async function receive(
  stream: VideoStream,
  { onFrame, onEvent }: StreamOptions,
  {
    stamps,
    progress,
  }: { stamps: CaptureStamps; progress: { answeredAtMs: number; attempt: number } },
): Promise<void> {
  let size = { width: 0, height: 0 };
  for await (const result of stream) {
    switch (result.kind) {
      case 'info': {
        const { width, height, model } = result.info;
        size = { width, height };
        onEvent({ kind: 'stream-begun', model, width, height });
        break;
      }
      case 'masks': {
        [progress.answeredAtMs, progress.attempt] = [performance.now(), 0];
        const frame = describeFrame(result.masks, size);
        const captureClock = stamps.clockOf(frame.captureTimestampUs);
        await onFrame({ frame, captureClock, masks: result.masks });
        break;
      }
      case 'notice':
        onEvent({ kind: 'notice', message: result.notice.message });
        break;
      case 'resumed':
        onEvent(result);
        break;
      case 'summary':
        onEvent({ kind: 'stream-ended', summary: result.summary });
        break;
    }
  }
}
