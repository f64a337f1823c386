import { configMessage, promptMessage, type VideoConfig } from '../../core/requests.ts';
import type { CallEnd, OpenVideoCall, VideoCall } from '../../core/video-call.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import { VideoChunk } from '../../../src/gen/maskstream/v1/video_request.ts';
import {
  type FrameMasks,
  NoticeKind,
  type PromptAck,
  type SegmentVideoResponse,
  type StreamInfo,
} from '../../../src/gen/maskstream/v1/video_response.ts';
import type { FromWorker, PagePrompt } from '../messages.ts';
import { toPromptOptions } from './page-prompts.ts';

/** What a stream of the page is made of. */
export type VideoStreamParts = {
  readonly open: OpenVideoCall;
  readonly config: VideoConfig;
  readonly post: (message: FromWorker) => void;
  readonly onInfo: (info: StreamInfo) => void;
  readonly onMasks: (masks: FrameMasks) => void;
  /** After `endOfVideo`: no more frames, but held ones can be corrected. */
  readonly onAnswered?: () => void;
  readonly onEnd: (end: CallEnd) => void;
};

/** Largest VideoChunk that every server takes. */
const maxChunkBytes = 64 * 1024;

/** One SegmentVideo call of the page: sends chunks and prompts, sorts the answers. */
export class PageVideoStream {
  readonly #call: VideoCall;
  readonly #parts: VideoStreamParts;
  #size: Size;

  /** @param size display size as far as it is known; the server's StreamInfo corrects it */
  constructor(parts: VideoStreamParts, size: Size) {
    this.#parts = parts;
    this.#size = size;
    this.#call = parts.open({
      onResponse: (response) => this.#receive(response),
      onEnd: parts.onEnd,
    });
    this.#call.send({ message: { $case: 'config', value: configMessage(parts.config) } });
  }

  /** Bytes that were sent and have not left this machine. */
  get bufferedBytes(): number {
    return this.#call.bufferedBytes;
  }

  /** Sends encoded bytes; extras hold for the access unit that they start with. */
  sendChunk(bytes: Uint8Array, extras: Partial<Omit<VideoChunk, 'data'>> = {}): void {
    for (let from = 0; from < bytes.length; from += maxChunkBytes) {
      const data = bytes.subarray(from, from + maxChunkBytes);
      const isLast = from + maxChunkBytes >= bytes.length;
      const { endsAccessUnit, ...start } = extras;
      const value = VideoChunk.fromPartial({
        data,
        ...(from === 0 ? start : {}),
        // What closes the unit belongs to its last piece.
        ...(isLast && endsAccessUnit === true ? { endsAccessUnit } : {}),
      });
      this.#call.send({ message: { $case: 'chunk', value } });
    }
  }

  /** Sends a prompt. */
  prompt(requestId: number, prompt: PagePrompt): void {
    const value = promptMessage(requestId, toPromptOptions(prompt, this.#size));
    this.#call.send({ message: { $case: 'prompt', value } });
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
    const { post, onInfo, onMasks, onAnswered } = this.#parts;
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
        else if (message.value.kind !== NoticeKind.NOTICE_KIND_OVERLOAD) {
          post({ kind: 'problem', message: message.value.message });
        }
        break;
      case 'summary':
      case undefined:
        break;
    }
  }
}

function acknowledgement({ requestId, error, objectIds }: PromptAck): FromWorker {
  return error === undefined
    ? { kind: 'acknowledged', requestId, objectIds }
    : { kind: 'refused', requestId, code: error.code, message: error.message };
}
