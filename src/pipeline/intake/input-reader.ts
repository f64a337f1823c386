import type { PromptUpdate } from '../../frame/prompt.ts';
import { CaptureMarks } from './capture-marks.ts';
import { ChunkQueue, type ChunkQueueBounds } from './chunk-queue.ts';
import { LiveChunkQueue, type EncodedChunk, type LiveChunkOptions } from './live-chunk-queue.ts';
import type { SessionInput } from '../session-types.ts';

/** What the reader tells the session. */
export type InputHandlers = {
  readonly onPrompt: (update: PromptUpdate) => void;
  /** The user saw this frame. */
  readonly onSeen: (frameIndex: number) => void;
  /** Resolves when answers to prompts may be added: a client that reads none sends no more. */
  readonly room: () => Promise<void>;
  /** The client's messages broke; what was decoded before is still answered. */
  readonly onFailure: (reason: unknown) => void;
  /** The client half-closed, or its messages broke: no more prompts. */
  readonly onEnd: () => void;
};

/** How video waits for the decoder. */
export type VideoQueueing =
  /** The client waits with it. */
  | { readonly kind: 'in-step' }
  /** Read without waiting, within bounds, so that prompts do not wait behind it. */
  | {
      readonly kind: 'ahead';
      readonly bounds: ChunkQueueBounds;
      readonly onTaken: (bytes: number) => void;
    }
  /** For LATEST: read without waiting, and skipped where the decoder falls behind. */
  | ({ readonly kind: 'live' } & Omit<LiveChunkOptions, 'onTaken'>);

/** Reads the client's messages in order and parts video from prompts. */
export class InputReader {
  /** The video, for the decoder. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly #queue: { push(chunk: EncodedChunk): Promise<void>; end(): void };
  readonly #framesSkippedBefore: (decodedFrames: number, position: number | null) => number;
  readonly #iterator: AsyncIterator<SessionInput>;
  readonly #handlers: InputHandlers;
  readonly #captureMarks = new CaptureMarks();
  #closed = false;
  #promptsOnly = false;

  /** Starts reading at once. @param queueing default: in step */
  constructor(
    inputs: AsyncIterable<SessionInput>,
    handlers: InputHandlers,
    queueing: VideoQueueing = { kind: 'in-step' },
  ) {
    const onTaken = ({ data, captureTimestampUs, nextUnitBytes }: EncodedChunk): void =>
      this.#captureMarks.add(data.byteLength, captureTimestampUs, nextUnitBytes);
    if (queueing.kind !== 'live') {
      const queue = chunkQueueFor(queueing);
      const push = async (chunk: EncodedChunk): Promise<void> => {
        onTaken(chunk);
        await queue.push(chunk.data);
        // Here the decoder does not hold the client back: its own reading must.
        if (queueing.kind === 'ahead') await handlers.room();
      };
      this.#queue = { push, end: () => queue.end() };
      this.#framesSkippedBefore = () => 0;
      this.chunks = queue;
    } else {
      const queue = new LiveChunkQueue({ ...queueing, onTaken });
      this.#framesSkippedBefore = (frames, position) => queue.framesSkippedBefore(frames, position);
      this.#queue = queue;
      this.chunks = queue;
    }
    this.#iterator = inputs[Symbol.asyncIterator]();
    this.#handlers = handlers;
    void this.#read();
  }

  /** The client ended its video and not its messages: prompts for held frames may still come. */
  get promptsOnly(): boolean {
    return this.#promptsOnly;
  }

  /**
   * The capture time of the frame that begins at this byte of the video (null: of the next one), where
   * the sender marks its access units.
   */
  takeCaptureTimestamp(position: number | null): number | null {
    return this.#captureMarks.take(position);
  }

  /** Frames that were skipped before the decoder's `decodedFrames`-th one; asked in order. */
  framesSkippedBefore(decodedFrames: number, position: number | null): number {
    return this.#framesSkippedBefore(decodedFrames, position);
  }

  /**
   * Stops reading; idempotent. Does not wait for the inputs to end: a client that says nothing more
   * would hold up the end of its stream.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.end();
    void this.#iterator.return?.()?.then(undefined, () => undefined);
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const next = await this.#iterator.next();
        if (next.done || this.#closed) break;
        await this.#take(next.value);
      }
    } catch (reason) {
      if (!this.#closed) this.#handlers.onFailure(reason);
    }
    this.#promptsOnly = false;
    this.#queue.end();
    this.#handlers.onEnd();
  }

  async #take(input: SessionInput): Promise<void> {
    switch (input.kind) {
      case 'chunk': {
        const { kind: _, randomAccess = false, ...chunk } = input;
        return await this.#queue.push({ ...chunk, randomAccess });
      }
      case 'prompt':
        this.#handlers.onPrompt(input.update);
        return await this.#handlers.room();
      case 'seen':
        this.#handlers.onSeen(input.frameIndex);
        return;
      case 'end-of-video':
        this.#promptsOnly = true;
        return this.#queue.end();
    }
  }
}

/** Video is told of in steps, or a client that sends it in small pieces would get an answer for each. */
const toldBytes = 64 * 1024;

function chunkQueueFor(queueing: Exclude<VideoQueueing, { kind: 'live' }>): ChunkQueue {
  if (queueing.kind === 'in-step') return new ChunkQueue();
  let [taken, told] = [0, 0];
  return new ChunkQueue(queueing.bounds, ({ length }) => {
    taken += length;
    if (taken - told < toldBytes) return;
    told = taken;
    queueing.onTaken(taken);
  });
}
