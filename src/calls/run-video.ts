import type {
  PromptOptions,
  SegmentationClient,
  StreamSummary,
  VideoConfig,
  VideoStream,
} from '../../clients/typescript/index.ts';
import { PromptRejected } from '../../clients/typescript/index.ts';
import { SegmentationError } from '../frame/errors.ts';
import type { Size } from '../frame/geometry.ts';
import type { AnsweredFrame, StreamHeader } from '../formats/answered-frame.ts';
import type { PlannedPrompt } from './planned-prompt.ts';
import { decodeFrame } from './decode-answer.ts';
import { toWireMask } from './wire-mask.ts';

/** One video through a server. */
export type VideoRun = {
  readonly client: SegmentationClient;
  readonly config: VideoConfig;
  readonly prompts: readonly PlannedPrompt[];
  /** Sends the video; `send` waits while too much is on its way. */
  readonly send: (stream: VideoStream) => Promise<void>;
  /** Before the first frame. */
  readonly onHeader?: (header: StreamHeader) => Promise<void>;
  /** Every frame in order; the next one waits for it. */
  readonly onFrame: (frame: AnsweredFrame) => Promise<void> | void;
  readonly onNotice?: (message: string) => void;
  readonly signal: AbortSignal;
};

/**
 * Runs one video and resolves with the server's summary. All prompts are sent before the video, so
 * that each is known before its frame and no frame is answered twice.
 *
 * Throws the client's `CallFailed` and `PromptRejected`. A prompt whose frame never came is the
 * consequence of how the stream ended: the status says why, and is thrown where it is not OK.
 */
export async function runVideo(run: VideoRun): Promise<StreamSummary> {
  const { client, config, signal } = run;
  using stream = client.segmentVideo(config, { signal });
  // Both also arrive through the results; nobody else waits for them.
  stream.info.catch(() => undefined);
  stream.summary.catch(() => undefined);
  const failures: unknown[] = [];
  const unanswered: unknown[] = [];
  // The first failure ends the stream, which makes the others fail in turn.
  const guard = (work: Promise<unknown>) =>
    work.catch((reason: unknown) => {
      if (isUnanswered(reason)) return void unanswered.push(reason);
      failures.push(reason);
      stream.cancel();
    });
  await Promise.all([
    ...run.prompts.map((prompt) => guard(stream.prompt(toPrompt(prompt)))),
    guard(run.send(stream).then(() => stream.end())),
    guard(receive(stream, run)),
  ]);
  const [failure] = [...failures, ...unanswered];
  if (failure !== undefined) throw failure;
  return await stream.summary;
}

/** The server says so at the end of every stream that leaves a prompt without its frame. */
function isUnanswered(reason: unknown): boolean {
  return reason instanceof PromptRejected && reason.code === 'frame-never-came';
}

/** Reads a file or any other source into a stream. */
export async function sendChunks(
  stream: VideoStream,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  for await (const chunk of chunks) await stream.sendChunk(chunk);
}

/**
 * The same where each chunk is one picture: its number is its capture time, so that the answer to a
 * frame says which picture it belongs to.
 */
export async function sendPictures(
  stream: VideoStream,
  pictures: AsyncIterable<Uint8Array>,
): Promise<void> {
  let number = 0;
  for await (const picture of pictures) {
    await stream.sendChunk(picture, { captureTimestampUs: number++, randomAccess: true });
  }
}

async function receive(stream: VideoStream, run: VideoRun): Promise<void> {
  let display: Size = { width: 0, height: 0 };
  let opened = false;
  for await (const result of stream) {
    if (result.kind === 'info') {
      const { width, height, model, frameRate } = result.info;
      display = { width, height };
      if (!opened) await run.onHeader?.({ width, height, model, frameRate: frameRate ?? null });
      opened = true;
    } else if (result.kind === 'masks') {
      if (result.isCorrection) {
        const message = `expected each frame once, got frame ${result.masks.frameIndex} again`;
        throw new SegmentationError('internal', message);
      }
      await run.onFrame(decodeFrame(result.masks, display));
    } else if (result.kind === 'notice') run.onNotice?.(result.notice.message);
  }
}

/** A planned prompt as the client takes it. */
export function toPrompt(prompt: PlannedPrompt): PromptOptions {
  const { objectId, action, at, prompts, text, label } = prompt;
  return {
    objectId,
    action,
    ...(at.kind === 'frame' ? { at: { frameIndex: at.frameIndex } } : {}),
    ...(at.kind === 'timestamp' ? { at: { timestampUs: at.timestampUs } } : {}),
    points: prompts.points,
    ...(prompts.box === null ? {} : { box: prompts.box }),
    ...(prompts.mask === null ? {} : { mask: toWireMask(prompts.mask) }),
    ...(text === null ? {} : { text }),
    ...(label === null ? {} : { label }),
  };
}
