import { describeFrame } from '../../../src/calls/describe-answer.ts';
import type { DescribedFrame } from '../../../src/formats/answered-frame.ts';
import type { FrameMasks, Resumed, StreamSummary, VideoStream } from '../../typescript/index.ts';
import type { CaptureClock } from './capture-stamps.ts';

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

/** Where answers go. */
export type AnswerEvents = {
  /** The next one waits for it. */
  readonly onFrame: (frame: PublishedFrame) => Promise<void> | void;
  readonly onEvent: (event: ServerEvent) => void;
};

/** How far it is with a server. */
export type Progress = { answeredAtMs: number; attempt: number; hasAnswers: boolean };

type ClockOf = (captureTimestampUs: number | null) => CaptureClock | null;

/** Takes a stream's answers to its end; rejects with why it failed. */
export async function receiveAnswers(
  stream: VideoStream,
  { onFrame, onEvent }: AnswerEvents,
  { clockOf, progress }: { readonly clockOf: ClockOf; readonly progress: Progress },
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
        progress.hasAnswers = true;
        const frame = describeFrame(result.masks, size);
        const captureClock = clockOf(frame.captureTimestampUs);
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
