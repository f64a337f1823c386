import { setTimeout as wait } from 'node:timers/promises';
import { type BackOff, pauseBefore } from '../core/resume/back-off.ts';
import { CallFailed } from '../typescript/index.ts';
import { type Progress, receiveAnswers } from './camera/receive-answers.ts';
import { hopeless, runStream } from './camera/run-stream.ts';
import type { LocalInput } from './local/open-input.ts';
import { type VideoBytes, videoBytes } from './local/video-bytes.ts';
import type { PublishOptions } from './publish-options.ts';

/** A video, and bounds that have been settled. */
export type PublishVideoOptions = Omit<PublishOptions, 'input' | 'signal'> & {
  readonly video: LocalInput;
  readonly delivery: 'latest' | 'every-frame';
  readonly giveUpAfterMs: number;
  readonly backOff: BackOff;
  readonly signal: AbortSignal;
};

/**
 * Sends a file or a pipe in the container that it is in, to its end. A server that is not there yet is
 * waited for; one that dies is followed by the next (docs/resume.md).
 */
export async function publishVideo(options: PublishVideoOptions): Promise<void> {
  const { video, giveUpAfterMs, backOff, onEvent = () => undefined, signal } = options;
  const bytes = await videoBytes(video, {
    realtime: options.realtime ?? false,
    frameRate: options.frameRate ?? null,
    onEncoded: (encoding) => onEvent({ kind: 'encoded', ...encoding }),
    signal,
  });
  const progress = { answeredAtMs: performance.now(), attempt: 0, hasAnswers: false };
  for (;;) {
    try {
      return await sendOnce(bytes, options, progress);
    } catch (reason) {
      signal.throwIfAborted();
      const isLate = performance.now() - progress.answeredAtMs >= giveUpAfterMs;
      // Once it has begun the stream goes on by itself; what ended it all the same ends this.
      const isOver = progress.hasAnswers || isLate;
      const canBegin = video.kind === 'file' || video.pipe.isWhole;
      if (!(reason instanceof CallFailed) || hopeless.has(reason.status) || isOver || !canBegin) {
        throw reason;
      }
      const pauseMs = pauseBefore(progress.attempt++, backOff, Math.random());
      onEvent({ kind: 'server-lost', reason, pauseMs });
      await wait(pauseMs, undefined, { signal });
    }
  }
}

async function sendOnce(
  { container, chunks, readsAgain }: VideoBytes,
  options: PublishVideoOptions,
  progress: Progress,
): Promise<void> {
  const { client, config, delivery, video, giveUpAfterMs, signal } = options;
  const { frameRate, prompts, onFrame, onEvent = () => undefined } = options;
  const rate = frameRate === undefined ? {} : { frameRate };
  const resume = { giveUpAfterMs };
  using stream = client.segmentVideo(
    { ...config, ...rate, delivery, container },
    { signal, resume },
  );
  const events = {
    onEvent,
    onFrame: async (frame: Parameters<typeof onFrame>[0]) => {
      if (video.kind === 'pipe') video.pipe.forget();
      await onFrame(frame);
    },
  };
  await runStream(stream, {
    prompts,
    onEvent,
    signal,
    send: (bounds) => stream.sendVideo(readsAgain ? () => chunks(bounds) : chunks(bounds)),
    // A container knows when a picture is shown, and not when it was taken.
    receive: () => receiveAnswers(stream, events, { clockOf: () => null, progress }),
  });
}
