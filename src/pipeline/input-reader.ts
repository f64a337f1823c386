import type { PromptUpdate } from '../frame/prompt.ts';
import { ChunkQueue } from './chunk-queue.ts';
import type { SessionInput } from './session-types.ts';

/** What the reader tells the session. */
export type InputHandlers = {
  readonly onPrompt: (update: PromptUpdate) => void;
  /** The client's messages broke; what was decoded before is still answered. */
  readonly onFailure: (reason: unknown) => void;
  /** The client half-closed, or its messages broke: no more prompts. */
  readonly onEnd: () => void;
};

/** Capture times kept for frames that have not come out yet. */
const maxCaptureTimestamps = 1024;

/** Reads the client's messages in order and parts video from prompts. */
export class InputReader {
  readonly chunks = new ChunkQueue();
  readonly #iterator: AsyncIterator<SessionInput>;
  readonly #handlers: InputHandlers;
  readonly #captureTimestampsUs: number[] = [];
  #closed = false;

  /** Starts reading at once. */
  constructor(inputs: AsyncIterable<SessionInput>, handlers: InputHandlers) {
    this.#iterator = inputs[Symbol.asyncIterator]();
    this.#handlers = handlers;
    void this.#read();
  }

  /** The capture time for the next frame in order, where the sender marks its access units. */
  takeCaptureTimestamp(): number | null {
    return this.#captureTimestampsUs.shift() ?? null;
  }

  /**
   * Stops reading; idempotent. Does not wait for the inputs to end: a client that says nothing more
   * would hold up the end of its stream.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.chunks.end();
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
    this.chunks.end();
    this.#handlers.onEnd();
  }

  async #take(input: SessionInput): Promise<void> {
    switch (input.kind) {
      case 'chunk': {
        const { captureTimestampUs } = input;
        if (
          captureTimestampUs !== null &&
          this.#captureTimestampsUs.length < maxCaptureTimestamps
        ) {
          this.#captureTimestampsUs.push(captureTimestampUs);
        }
        return await this.chunks.push(input.data);
      }
      case 'prompt':
        return this.#handlers.onPrompt(input.update);
      case 'end-of-video':
        return this.chunks.end();
    }
  }
}
