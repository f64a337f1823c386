import type {
  PromptOptions,
  Resumed,
  SegmentationClient,
  StreamSummary,
  VideoConfig,
  VideoPiece,
  VideoPieces,
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
  /** The video; what opens it is called again where another server has to go on. */
  readonly video: VideoPieces | (() => VideoPieces);
  /** Before the first frame. */
  readonly onHeader?: (header: StreamHeader) => Promise<void>;
  /** Every frame in order; the next one waits for it. */
  readonly onFrame: (frame: AnsweredFrame) => Promise<void> | void;
  /** Of the server, or that another one goes on. */
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
    guard(stream.sendVideo(run.video)),
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

/**
 * Pictures as a video of which each chunk is one: its number is its capture time, so that the answer
 * to a frame says which picture it belongs to.
 */
export async function* picturePieces(
  pictures: AsyncIterable<Uint8Array>,
): AsyncGenerator<VideoPiece, void, undefined> {
  let number = 0;
  for await (const bytes of pictures) {
    yield { bytes, options: { captureTimestampUs: number++, randomAccess: true } };
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
    else if (result.kind === 'resumed') run.onNotice?.(describeResumed(result));
  }
}

/** One line for a user. */
function describeResumed({ gapFrames, awayMs }: Resumed): string {
  const lost = gapFrames === null ? 'it is not known how many' : gapFrames === 0 ? 'no' : gapFrames;
  return `the server was lost; the stream went on after ${Math.round(awayMs)} ms, ${lost} frames lost`;
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
