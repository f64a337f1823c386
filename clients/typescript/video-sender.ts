import type { ResumableCall } from '../core/resume/resumable-call.ts';
import { type ChunkOptions, defaultMaxChunkBytes, videoChunks } from '../core/video-chunks.ts';
import { deferred, type Deferred } from './deferred.ts';

/** Bytes of a video, or bytes with what is known of the access unit that they start. */
export type VideoPiece =
  Uint8Array | { readonly bytes: Uint8Array; readonly options: ChunkOptions };

/** A video in pieces. */
export type VideoPieces = AsyncIterable<VideoPiece> | Iterable<VideoPiece>;

/** Bounds of what is on its way. */
export type SendingOptions = {
  /** Bytes that may be on their way before `sendChunk` waits. Default: 1 MiB. */
  readonly maxBytesInFlight?: number;
  /** Chunks are cut to this size. Default: 64 KiB, which every server takes. */
  readonly maxChunkBytes?: number;
};

const defaultMaxBytesInFlight = 1024 * 1024;

/** The way of a stream's video to its call: cut into messages, and held back while many are on it. */
export class VideoSender {
  readonly #call: () => ResumableCall;
  readonly #maxBytesInFlight: number;
  readonly #maxChunkBytes: number;
  #waiters: Deferred<void>[] = [];
  /** How often the video has to be sent from its start again. */
  #rewinds = 0;
  /** Why nothing is sent any more. */
  #over: Error | null = null;

  constructor(call: () => ResumableCall, options: SendingOptions) {
    this.#call = call;
    this.#maxBytesInFlight = options.maxBytesInFlight ?? defaultMaxBytesInFlight;
    this.#maxChunkBytes = options.maxChunkBytes ?? defaultMaxChunkBytes;
  }

  /**
   * Sends bytes. Resolves when there is room for more, or the video begins anew; rejects once the
   * stream is over.
   */
  async send(bytes: Uint8Array, options: ChunkOptions): Promise<void> {
    const pass = this.#rewinds;
    for (const value of videoChunks(bytes, options, this.#maxChunkBytes)) {
      if (this.#over !== null) throw this.#over;
      this.#call().send({ message: { $case: 'chunk', value } });
      while (this.#rewinds === pass && this.#call().bufferedBytes > this.#maxBytesInFlight) {
        await this.#room();
      }
      if (this.#rewinds !== pass) return;
    }
  }

  /** Sends a whole video once. */
  async sendAll(video: VideoPieces): Promise<void> {
    for await (const piece of video) await this.#sendPiece(piece);
  }

  /**
   * Sends a video from its start as often as it takes, and half-closes behind it. Resolves with the
   * stream's end; rejects as `ended` does.
   */
  async sendAgain(open: () => VideoPieces, ended: Promise<unknown>): Promise<void> {
    let wake = deferred<void>();
    this.#call().rewindBy(() => {
      this.#rewinds++;
      this.makeRoom();
      wake.resolve();
      wake = deferred();
    });
    for (;;) {
      const pass = this.#rewinds;
      for await (const piece of open()) {
        if (this.#rewinds !== pass) break;
        await this.#sendPiece(piece);
      }
      if (this.#rewinds !== pass) continue;
      this.#call().end();
      // The call may still break before everything is answered.
      await Promise.race([wake.promise, ended]);
      if (this.#rewinds === pass) return;
    }
  }

  /** Bytes have left: whoever waits looks again. */
  makeRoom(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  /** The stream is over: what waits rejects with the reason, and what is sent later. */
  close(reason: Error): void {
    this.#over = reason;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
  }

  #sendPiece(piece: VideoPiece): Promise<void> {
    return piece instanceof Uint8Array
      ? this.send(piece, {})
      : this.send(piece.bytes, piece.options);
  }

  #room(): Promise<void> {
    const waiter = deferred<void>();
    this.#waiters.push(waiter);
    return waiter.promise;
  }
}
