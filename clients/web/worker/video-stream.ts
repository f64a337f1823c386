import { configMessage, promptMessage, type VideoConfig } from '../../core/requests.ts';
import type { ResumableCall, Resumed } from '../../core/resume/resumable-call.ts';
import { openResumingCall } from '../../core/resume/resuming-call.ts';
import type { CallEnd, OpenVideoCall } from '../../core/video-call.ts';
import { type ChunkOptions, videoChunks } from '../../core/video-chunks.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import {
  type FrameMasks,
  NoticeKind,
  type PromptAck,
  type SegmentVideoResponse,
  type StreamInfo,
} from '../../../src/gen/maskstream/v1/video_response.ts';
import type { FromWorker, PagePrompt } from '../messages.ts';
import { NoticeProblems } from './notice-problems.ts';
import { toPromptOptions } from './page-prompts.ts';

/** What a stream of the page is made of. */
export type VideoStreamParts = {
  readonly open: OpenVideoCall;
  readonly config: VideoConfig;
  /** Frames that are answered beyond the newest one that was told to be seen. Default: 0, no bound. */
  readonly maxUnseenFrames?: number;
  readonly post: (message: FromWorker) => void;
  readonly onInfo: (info: StreamInfo) => void;
  readonly onMasks: (masks: FrameMasks) => void;
  /** The server took video in: there may be room for more. */
  readonly onTaken?: () => void;
  /** After `endOfVideo`: no more frames, but held ones can be corrected. */
  readonly onAnswered?: () => void;
  /**
   * The server gave the place of a stream that was paused to others; a prompt or `goOn` takes it up
   * again.
   */
  readonly onSuspended?: () => void;
  readonly onEnd: (end: CallEnd) => void;
};

/** Video on its way to the decoder: a quarter of what the server reads ahead. */
const maxUntakenBytes = 256 * 1024;

/** Somebody who restarts a server is waited for. */
const giveUpAfterMs = 10 * 60_000;

/** What is said of a stream that was paused for so long that it lost its place. */
export const suspendedMessage =
  'Paused for long: the server gave the place to others. Go on, or correct a frame, and it begins again from there.';

const goesOnMessage = 'Masks go on.';
const awayMessage = 'The server is away; everything goes on when it is back.';

/** One video of the page, which outlives its server: sends chunks and prompts, sorts the answers. */
export class PageVideoStream {
  readonly #call: ResumableCall;
  readonly #parts: VideoStreamParts;
  readonly #problems: NoticeProblems;
  #size: Size;
  #sentBytes = 0;
  #takenBytes = 0;
  #wasSuspended = false;

  /** @param size display size as far as it is known; the server's StreamInfo corrects it */
  constructor(parts: VideoStreamParts, size: Size) {
    this.#parts = parts;
    this.#size = size;
    const { post, maxUnseenFrames = 0 } = parts;
    this.#problems = new NoticeProblems(post);
    this.#call = openResumingCall(
      { ...configMessage(parts.config), maxUnseenFrames },
      { servers: [parts.open], giveUpAfterMs, suspends },
      {
        onResponse: (response) => this.#receive(response),
        onInterrupted: () => post({ kind: 'phase', phase: 'reconnecting', message: awayMessage }),
        onSuspended: () => {
          this.#wasSuspended = true;
          parts.onSuspended?.();
        },
        onResumed: (resumed) => {
          const message = this.#wasSuspended ? goesOnMessage : describeResumed(resumed);
          this.#wasSuspended = false;
          post({ kind: 'phase', phase: 'running', message });
        },
        onEnd: parts.onEnd,
      },
    );
  }

  /** The video is sent again from its start by `rewind`, instead of being kept. */
  rewindBy(rewind: () => void): void {
    this.#call.rewindBy(() => {
      [this.#sentBytes, this.#takenBytes] = [0, 0];
      rewind();
    });
  }

  /** Whether more video would only wait; `onTaken` says when that may have changed. */
  get isFull(): boolean {
    return this.#sentBytes - this.#takenBytes >= maxUntakenBytes;
  }

  /** Bytes that were sent and have not left this machine. */
  get bufferedBytes(): number {
    return this.#call.bufferedBytes;
  }

  /** Sends encoded bytes; options hold for the access unit that they start with. */
  sendChunk(bytes: Uint8Array, options: ChunkOptions = {}): void {
    this.#sentBytes += bytes.length;
    for (const value of videoChunks(bytes, options)) {
      this.#call.send({ message: { $case: 'chunk', value } });
    }
  }

  /** Sends a prompt. */
  prompt(requestId: number, prompt: PagePrompt): void {
    const value = promptMessage(requestId, toPromptOptions(prompt, this.#size));
    this.#call.send({ message: { $case: 'prompt', value } });
    this.#call.goOn();
  }

  /** Takes up a stream that was suspended; else nothing. */
  goOn(): void {
    this.#call.goOn();
  }

  /** The user saw this frame: `maxUnseenFrames` more are answered. */
  seen(frameIndex: number): void {
    this.#call.send({ message: { $case: 'seen', value: { frameIndex } } });
  }

  /** No more video; prompts for held frames are still taken until `end`. */
  endOfVideo(): void {
    this.#call.send({ message: { $case: 'endOfVideo', value: {} } });
  }

  /** No more video and prompts. */
  end(): void {
    this.#call.end();
  }

  /** Drops the call. */
  cancel(): void {
    this.#call.cancel();
  }

  #receive({ message }: SegmentVideoResponse): void {
    const { post, onInfo, onMasks, onAnswered, onTaken } = this.#parts;
    switch (message?.$case) {
      case 'info':
        this.#size = { width: message.value.width, height: message.value.height };
        onInfo(message.value);
        break;
      case 'masks':
        onMasks(message.value);
        break;
      case 'ack':
        post(acknowledgement(message.value));
        break;
      case 'notice':
        if (message.value.kind === NoticeKind.NOTICE_KIND_VIDEO_ANSWERED) onAnswered?.();
        else this.#problems.take(message.value);
        break;
      case 'taken':
        this.#takenBytes = message.value.bytes;
        onTaken?.();
        break;
      case 'summary':
      case undefined:
        break;
    }
  }
}

/** A place is lost to others by a pause; while a server is looked for, one that is full is asked again. */
function suspends(
  { errorCode }: CallEnd,
  { isResuming }: { readonly isResuming: boolean },
): boolean {
  return errorCode === 'deadline-exceeded' || (errorCode === 'too-many-streams' && !isResuming);
}

function acknowledgement({ requestId, error, objectIds }: PromptAck): FromWorker {
  return error === undefined
    ? { kind: 'acknowledged', requestId, objectIds }
    : { kind: 'refused', requestId, message: error.message };
}

/** One line for the user. */
function describeResumed({ gapFrames, awayMs }: Resumed): string {
  const seconds = (awayMs / 1000).toFixed(1);
  if (gapFrames === null) return `The server was lost for ${seconds} s.`;
  const frames = gapFrames === 1 ? '1 frame' : `${gapFrames} frames`;
  return `The server was lost for ${seconds} s and ${frames}; masks go on.`;
}
