import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { VideoChunk } from '../../src/gen/maskstream/v1/video_request.ts';
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
import { attended, deferred, type Deferred } from './deferred.ts';
import { MaskstreamError } from '../core/maskstream-error.ts';
import { CallFailed, PromptRejected } from './errors.ts';
import { promptMessage, type PromptOptions } from '../core/requests.ts';
import { ResultQueue } from './result-queue.ts';

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
  | { readonly kind: 'summary'; readonly summary: StreamSummary };

/** Bounds of one stream in the client. */
export type VideoStreamOptions = {
  /** Bytes that may be on their way before `sendChunk` waits. Default: 1 MiB. */
  readonly maxBytesInFlight?: number;
  /** Chunks are cut to this size. Default: 64 KiB, which every server takes. */
  readonly maxChunkBytes?: number;
  /** Results that may wait to be taken before the server has to. Default: 64. */
  readonly maxWaitingResults?: number;
};

/** Extras of a chunk that starts an access unit. */
export type ChunkOptions = {
  readonly randomAccess?: boolean;
  /** The sender's clock at capture, in microseconds; echoed in the frame's answer. */
  readonly captureTimestampUs?: number;
  /** The bytes are one whole access unit: raw H.264 and HEVC are then answered a frame earlier. */
  readonly endsAccessUnit?: boolean;
};

type Call = ClientDuplexStream<SegmentVideoRequest, SegmentVideoResponse>;
type Message = NonNullable<SegmentVideoRequest['message']>;

const defaultMaxBytesInFlight = 1024 * 1024;
// Large messages delay what is queued behind them; gRPC advises tens of KiB.
const defaultMaxChunkBytes = 64 * 1024;
const defaultMaxWaitingResults = 64;

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
  readonly #call: Call;
  readonly #info = deferred<StreamInfo>();
  readonly #summary = deferred<StreamSummary>();
  readonly #prompts = new Map<number, Deferred<PromptAck>>();
  readonly #results: ResultQueue<VideoResult>;
  readonly #maxBytesInFlight: number;
  readonly #maxChunkBytes: number;
  #roomWaiters: Deferred<void>[] = [];
  #bytesInFlight = 0;
  #nextRequestId = 1;
  #revision = 0;
  #lastSummary: StreamSummary | null = null;
  #error: ServiceError | null = null;
  #cancelled = false;
  /** Why this side gave up, where it did. */
  #fault: Error | null = null;
  #end: { readonly error: Error | null } | null = null;

  /** Use `client.segmentVideo`. */
  constructor(call: Call, config: StreamConfig, options: VideoStreamOptions = {}) {
    this.#call = call;
    this.info = this.#info.promise;
    this.summary = this.#summary.promise;
    this.#maxBytesInFlight = options.maxBytesInFlight ?? defaultMaxBytesInFlight;
    this.#maxChunkBytes = options.maxChunkBytes ?? defaultMaxChunkBytes;
    const maxResults = options.maxWaitingResults ?? defaultMaxWaitingResults;
    this.#results = new ResultQueue(call, maxResults);
    call.on('data', (response: SegmentVideoResponse) => this.#receive(response));
    call.on('error', (error: ServiceError) => (this.#error = error));
    call.on('status', () => this.#drain());
    call.on('end', () => this.#close());
    this.#write({ $case: 'config', value: config });
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
    return attended(this.#send(bytes, options));
  }

  /**
   * Sends a whole video, such as a file's read stream, and says that it ends. Rejects once the stream
   * is over, and if the video cannot be read: then the results end with that error too.
   */
  sendVideo(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    return attended(this.#sendAll(chunks));
  }

  async #sendAll(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of chunks) await this.#send(chunk, {});
      this.end();
    } catch (reason) {
      if (this.#end === null) {
        this.#fault = reason instanceof Error ? reason : new Error(String(reason));
        this.cancel();
      }
      throw reason;
    }
  }

  async #send(bytes: Uint8Array, options: ChunkOptions): Promise<void> {
    for (let from = 0; from < bytes.length; from += this.#maxChunkBytes) {
      const data = bytes.subarray(from, from + this.#maxChunkBytes);
      // Only the first piece starts the access unit.
      const isLast = from + this.#maxChunkBytes >= bytes.length;
      const { endsAccessUnit, ...start } = options;
      const value = VideoChunk.fromPartial({
        data,
        ...(from === 0 ? start : {}),
        // What closes the unit belongs to its last piece.
        ...(isLast && endsAccessUnit === true ? { endsAccessUnit } : {}),
      });
      this.#throwIfOver();
      this.#write({ $case: 'chunk', value }, data.length);
      if (this.#bytesInFlight > this.#maxBytesInFlight) await this.#room();
    }
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
      this.#write({ $case: 'prompt', value: promptMessage(requestId, options) });
      this.#prompts.set(requestId, ack);
    } catch (reason) {
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
    this.#cancelled = true;
    this.#call.cancel();
    // grpc-js (1.14.7) opens a call that is cancelled in the turn in which it was made all the same,
    // and then leaves it open.
    setImmediate(() => this.#call.cancel());
  }

  [Symbol.dispose](): void {
    if (this.#end === null) this.cancel();
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

  #write(message: Message, bytes = 0): void {
    this.#bytesInFlight += bytes;
    this.#call.write({ message }, () => {
      this.#bytesInFlight -= bytes;
      if (this.#bytesInFlight <= this.#maxBytesInFlight) this.#releaseRoom();
    });
  }

  #room(): Promise<void> {
    const waiter = deferred<void>();
    this.#roomWaiters.push(waiter);
    return waiter.promise;
  }

  #releaseRoom(): void {
    for (const waiter of this.#roomWaiters.splice(0)) waiter.resolve();
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

  /** The status overtakes messages that were read and not taken: at most 16, so take them all. */
  #drain(): void {
    this.#results.unbind();
    this.#call.resume();
  }

  #close(): void {
    if (this.#end !== null) return;
    const error = this.#fault ?? this.#failure();
    this.#end = { error };
    const reason = error ?? overError();
    for (const prompt of this.#prompts.values()) prompt.reject(reason);
    this.#prompts.clear();
    for (const waiter of this.#roomWaiters.splice(0)) waiter.reject(reason);
    this.#info.reject(reason);
    if (error === null && this.#lastSummary !== null) this.#summary.resolve(this.#lastSummary);
    else this.#summary.reject(reason);
    this.#results.close(error);
  }

  #failure(): CallFailed | null {
    if (this.#error === null) return null;
    return new CallFailed(this.#error, { summary: this.#lastSummary, cancelled: this.#cancelled });
  }

  #throwIfOver(): void {
    if (this.#end !== null) throw this.#end.error ?? overError();
  }
}

function overError(): Error {
  return new MaskstreamError('stream-over', 'the stream is over');
}
