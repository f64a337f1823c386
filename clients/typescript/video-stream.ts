import { type ServiceError, Metadata, status } from '@grpc/grpc-js';
import type {
  SegmentVideoRequest,
  StreamConfig,
} from '../../src/gen/maskstream/v1/video_request.ts';
import type {
  FrameMasks,
  Notice,
  PromptAck,
  SegmentVideoResponse,
  StreamInfo,
  StreamSummary,
} from '../../src/gen/maskstream/v1/video_response.ts';
import { MaskstreamError } from '../core/maskstream-error.ts';
import { promptMessage, type PromptOptions } from '../core/requests.ts';
import type { ResumableCall, Resumed, ResumingCallOptions } from '../core/resume/resumable-call.ts';
import { openResumingCall } from '../core/resume/resuming-call.ts';
import type { CallEnd } from '../core/video-call.ts';
import type { ChunkOptions } from '../core/video-chunks.ts';
import { attended, deferred, type Deferred } from './deferred.ts';
import { CallFailed, PromptRejected } from './errors.ts';
import { ResultQueue } from './result-queue.ts';
import { type SendingOptions, type VideoPieces, VideoSender } from './video-sender.ts';

/** What a stream answers, in order. Acknowledgements settle their prompts instead. */
export type VideoResult =
  | { readonly kind: 'info'; readonly info: StreamInfo }
  | {
      readonly kind: 'masks';
      readonly masks: FrameMasks;
      /** This frame was answered before; the answer with the highest `masks.revision` holds. */
      readonly isCorrection: boolean;
    }
  | { readonly kind: 'notice'; readonly notice: Notice }
  /** The call broke, and another server goes on with the next frame. */
  | ({ readonly kind: 'resumed' } & Resumed)
  | { readonly kind: 'summary'; readonly summary: StreamSummary };

/** Bounds of one stream in the client. */
export type VideoStreamOptions = SendingOptions & {
  /** Results that may wait to be taken before the server has to. Default: 64. */
  readonly maxWaitingResults?: number;
};

type Message = NonNullable<SegmentVideoRequest['message']>;

const defaultMaxWaitingResults = 64;

const okStatus: number = status.OK;

/**
 * One video on its way. Iterate it for the results (leaving the loop early cancels the call) while
 * chunks are sent; neither side waits for the other without bound. Whoever awaits a promise of it
 * sees its rejection; one that nobody awaits ends no process.
 */
export class VideoStream implements AsyncIterable<VideoResult>, Disposable {
  /** The first StreamInfo; rejects if the stream ends before it. */
  readonly info: Promise<StreamInfo>;
  /** What the server did; rejects with {@link CallFailed}, which holds it too, if the call failed. */
  readonly summary: Promise<StreamSummary>;
  readonly #call: ResumableCall;
  readonly #info = deferred<StreamInfo>();
  readonly #summary = deferred<StreamSummary>();
  readonly #prompts = new Map<number, Deferred<PromptAck>>();
  readonly #results: ResultQueue<VideoResult>;
  readonly #sender: VideoSender;
  #nextRequestId = 1;
  #revision = 0;
  #lastSummary: StreamSummary | null = null;
  /** Why this side gave up, where it did. */
  #fault: Error | null = null;
  #end: { readonly error: Error | null } | null = null;

  /** Use `client.segmentVideo`. */
  constructor(config: StreamConfig, calls: ResumingCallOptions, options: VideoStreamOptions = {}) {
    this.info = this.#info.promise;
    this.summary = this.#summary.promise;
    this.#sender = new VideoSender(() => this.#call, options);
    const maxResults = options.maxWaitingResults ?? defaultMaxWaitingResults;
    const flow = { pause: () => this.#call.pause?.(), resume: () => this.#call.resume?.() };
    this.#results = new ResultQueue(flow, maxResults);
    this.#call = openResumingCall(config, calls, {
      onResponse: (response) => this.#receive(response),
      onResumed: (resumed) => this.#results.push({ kind: 'resumed', ...resumed }),
      onSent: () => this.#sender.makeRoom(),
      onEnd: (end) => this.#close(end),
    });
  }

  /** Highest revision seen: how many corrections the server has answered. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Sends encoded bytes, cut as the limit asks. Resolves when fewer than `maxBytesInFlight` are on
   * their way, rejects once the stream is over.
   */
  sendChunk(bytes: Uint8Array, options: ChunkOptions = {}): Promise<void> {
    return attended(this.#sender.send(bytes, options));
  }

  /**
   * Sends a whole video, such as a file's read stream, and says that it ends. Given a function that
   * opens the video, it is read again from its start where another server has to go on: nothing is
   * lost then. Rejects once the stream is over, and if the video cannot be read: then the results end
   * with that error too.
   */
  sendVideo(video: VideoPieces | (() => VideoPieces)): Promise<void> {
    return attended(this.#sendAll(video));
  }

  /**
   * Sends an update. Resolves with its acknowledgement, before the first masks that it affects; do
   * not wait for it before sending the video that it names. Rejects with {@link PromptRejected}.
   */
  prompt(options: PromptOptions): Promise<PromptAck> {
    const ack = deferred<PromptAck>();
    if (this.#end !== null) {
      ack.reject(this.#end.error ?? overError());
      return ack.promise;
    }
    const requestId = this.#nextRequestId++;
    try {
      const value = promptMessage(requestId, options);
      this.#prompts.set(requestId, ack);
      this.#write({ $case: 'prompt', value });
    } catch (reason) {
      this.#prompts.delete(requestId);
      const message = reason instanceof Error ? reason.message : String(reason);
      ack.reject(new PromptRejected(requestId, { code: 'invalid-prompt', message }));
    }
    return ack.promise;
  }

  /** No more video; prompts for held frames are still taken until `end`. */
  endOfVideo(): void {
    this.#write({ $case: 'endOfVideo', value: {} });
  }

  /** No more video and no more prompts. The results go on to their end. */
  end(): void {
    this.#call.end();
  }

  /** Drops the stream at once. */
  cancel(): void {
    if (this.#end !== null) return;
    this.#call.cancel();
    // The results that are here are still handed out, and the end comes after them.
    setImmediate(() => this.#close(cancelledEnd()));
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  [Symbol.asyncIterator](): AsyncIterator<VideoResult, undefined> {
    return {
      next: () => this.#results.take(),
      return: () => {
        this[Symbol.dispose]();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  async #sendAll(video: VideoPieces | (() => VideoPieces)): Promise<void> {
    try {
      if (typeof video !== 'function') await this.#sender.sendAll(video);
      else await this.#sender.sendAgain(video, this.summary);
      this.end();
    } catch (reason) {
      if (this.#end === null) {
        this.#fault = reason instanceof Error ? reason : new Error(String(reason));
        this.cancel();
      }
      throw reason;
    }
  }

  #write(message: Message): void {
    this.#call.send({ message });
  }

  #receive({ message }: SegmentVideoResponse): void {
    switch (message?.$case) {
      case 'info':
        this.#info.resolve(message.value);
        this.#results.push({ kind: 'info', info: message.value });
        break;
      case 'ack':
        this.#settlePrompt(message.value);
        break;
      case 'masks': {
        const masks = message.value;
        this.#revision = Math.max(this.#revision, masks.revision);
        this.#results.push({ kind: 'masks', masks, isCorrection: masks.revision > 0 });
        break;
      }
      case 'notice':
        this.#results.push({ kind: 'notice', notice: message.value });
        break;
      case 'summary':
        this.#lastSummary = message.value;
        this.#results.push({ kind: 'summary', summary: message.value });
        break;
      case 'taken': // comes with `max_unseen_frames` alone: here whoever reads slowly slows the server
      case undefined: // of a later version
        break;
    }
  }

  #settlePrompt(ack: PromptAck): void {
    const prompt = this.#prompts.get(ack.requestId);
    this.#prompts.delete(ack.requestId);
    if (ack.error === undefined) prompt?.resolve(ack);
    else prompt?.reject(new PromptRejected(ack.requestId, ack.error));
  }

  #close(end: CallEnd): void {
    if (this.#end !== null) return;
    const error = this.#fault ?? this.#failure(end);
    this.#end = { error };
    const reason = error ?? overError();
    for (const prompt of this.#prompts.values()) prompt.reject(reason);
    this.#prompts.clear();
    this.#sender.close(reason);
    this.#info.reject(reason);
    if (error === null && this.#lastSummary !== null) this.#summary.resolve(this.#lastSummary);
    else this.#summary.reject(reason);
    this.#results.close(error);
  }

  #failure({ code, cause }: CallEnd): CallFailed | null {
    if (code === okStatus) return null;
    return new CallFailed(cause as ServiceError, {
      summary: this.#lastSummary,
      cancelled: cause === callerCancelled,
    });
  }
}

/** What gRPC says of a call that its caller cancelled. */
const callerCancelled: ServiceError = Object.assign(new Error('Cancelled on client'), {
  code: status.CANCELLED,
  details: 'Cancelled on client',
  metadata: new Metadata(),
});

function cancelledEnd(): CallEnd {
  const { code, details } = callerCancelled;
  return { code, message: details, errorCode: null, cause: callerCancelled };
}

function overError(): Error {
  return new MaskstreamError('stream-over', 'the stream is over');
}
