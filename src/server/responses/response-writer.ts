import type { StatusObject } from '@grpc/grpc-js';
import { SegmentationError } from '../../frame/errors.ts';
import { SegmentVideoResponse } from '../../gen/maskstream/v1/video_response.ts';
import type { CallSignal } from '../call-signal.ts';
import type { ServerLimits } from '../server-limits.ts';
import { resetStream } from './reset-stream.ts';
import type { VideoCall } from '../video-service.ts';

/**
 * Sends responses in order and holds the sender back: grpc-js counts messages, not bytes, and only
 * says so (`write() === false`). A client that reads nothing for `readerTimeoutMs` ends its call.
 */
export class ResponseWriter {
  readonly #call: VideoCall;
  readonly #callSignal: CallSignal;
  readonly #limits: ServerLimits;
  readonly #waiting = new Set<() => void>();
  #queuedBytes = 0;

  constructor(call: VideoCall, callSignal: CallSignal, limits: ServerLimits) {
    this.#call = call;
    this.#callSignal = callSignal;
    this.#limits = limits;
  }

  /** Bytes that wait for the client. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Queues one response and resolves when there is room for the next; rejects once aborted. */
  async write(response: SegmentVideoResponse): Promise<void> {
    await this.writeEncoded(SegmentVideoResponse.encode(response).finish());
  }

  /** As `write`, for the bytes of a SegmentVideoResponse. */
  async writeEncoded(response: Uint8Array): Promise<void> {
    this.#callSignal.signal.throwIfAborted();
    this.#queue(response);
    while (this.#isFull()) await this.#progress();
  }

  /**
   * Queues the last responses and the status behind them. Resolves when all left for the client, or
   * after `flushTimeoutMs` without progress, when the stream is reset.
   */
  async finish(last: readonly SegmentVideoResponse[], status: StatusObject | null): Promise<void> {
    if (this.#call.cancelled) return;
    for (const response of last) this.#queue(SegmentVideoResponse.encode(response).finish());
    if (status === null) this.#call.end();
    else this.#call.emit('error', status);
    await this.#flushed();
  }

  #queue(encoded: Uint8Array): void {
    const limit = this.#limits.maxResponseBytes;
    if (encoded.byteLength > limit) {
      throw new SegmentationError(
        'frame-too-large',
        `answer must be at most ${limit} bytes, got ${encoded.byteLength}: ask for smaller masks`,
      );
    }
    const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
    this.#queuedBytes += bytes.length;
    this.#call.write(bytes, () => {
      this.#queuedBytes -= bytes.length;
      for (const wake of this.#waiting) wake();
    });
  }

  #isFull(): boolean {
    return this.#call.writableNeedDrain || this.#queuedBytes > this.#limits.maxQueuedResponseBytes;
  }

  /** Resolves when a queued response has left; rejects when the call is over first. */
  #progress(): Promise<void> {
    const { signal } = this.#callSignal;
    const { readerTimeoutMs } = this.#limits;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', stop);
        act();
      };
      const wake = () => settle(resolve);
      const stop = () => settle(() => reject(SegmentationError.from(signal.reason)));
      const message = `client must read its answers, read none for ${readerTimeoutMs} ms`;
      const timer = setTimeout(
        () => this.#callSignal.abort(new SegmentationError('deadline-exceeded', message)),
        readerTimeoutMs,
      );
      this.#waiting.add(wake);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
    });
  }

  #flushed(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(restart);
        resolve();
      };
      const expire = () => {
        resetStream(this.#call);
        done();
      };
      let timer = setTimeout(expire, this.#limits.flushTimeoutMs);
      const restart = () => {
        clearTimeout(timer);
        timer = setTimeout(expire, this.#limits.flushTimeoutMs);
      };
      this.#waiting.add(restart);
      // Emitted when the status has left, and when the client is gone.
      this.#call.once('cancelled', done);
      if (this.#call.cancelled) done();
    });
  }
}
