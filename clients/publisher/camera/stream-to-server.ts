import { setTimeout as wait } from 'node:timers/promises';
import type { PlannedPrompt } from '../../../src/calls/planned-prompt.ts';
import { type BackOff, pauseBefore } from '../../core/resume/back-off.ts';
import type { VideoConfig } from '../../core/requests.ts';
import { CallFailed, type SegmentationClient, type VideoStream } from '../../typescript/index.ts';
import { CaptureStamps } from './capture-stamps.ts';
import { type AnswerEvents, type Progress, receiveAnswers } from './receive-answers.ts';
import { hopeless, runStream } from './run-stream.ts';
import type { FormattedUnit, UnitBuffer } from './unit-buffer.ts';

/** How a camera's pictures are sent. */
export type StreamOptions = AnswerEvents & {
  readonly client: SegmentationClient;
  readonly config: Omit<VideoConfig, 'container' | 'frameRate'>;
  readonly prompts: readonly PlannedPrompt[];
  readonly buffer: UnitBuffer;
  /** Time without an answer after which the server is given up; Infinity: never. */
  readonly giveUpAfterMs: number;
  readonly backOff: BackOff;
  readonly signal: AbortSignal;
};

/**
 * Sends what the buffer holds until it is closed. The stream outlives its server by itself
 * (docs/resume.md); where even that ends, or the camera begins to encode in another way, a new stream
 * begins with the prompts. Rejects with why the server was given up.
 */
export async function streamToServer(options: StreamOptions): Promise<void> {
  const { buffer, giveUpAfterMs, backOff, onEvent, signal } = options;
  const progress = { answeredAtMs: performance.now(), attempt: 0, hasAnswers: false };
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
  progress: Progress,
): Promise<FormattedUnit | null> {
  const { client, config, giveUpAfterMs, buffer, signal } = options;
  const { container, frameRate } = first.format;
  const resume = { giveUpAfterMs };
  using stream = client.segmentVideo({ ...config, container, frameRate }, { signal, resume });
  const stamps = new CaptureStamps();
  const clockOf = (us: number | null) => stamps.clockOf(us);
  return await runStream(stream, {
    ...options,
    send: (bounds) => send(stream, first, { buffer, stamps, signal: bounds }),
    receive: () => receiveAnswers(stream, options, { clockOf, progress }),
  });
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
