/** What may wait in a {@link ChunkQueue}; a single chunk always may. */
export type ChunkQueueBounds = { readonly maxBytes: number; readonly maxChunks: number };

/**
 * Hands chunks from the reader of the client's messages to the decoder: the reader waits until there
 * is room, and with it the client.
 */
export class ChunkQueue implements AsyncIterable<Uint8Array> {
  readonly #bounds: ChunkQueueBounds;
  readonly #onTaken: (chunk: Uint8Array) => void;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #wake: (() => void)[] = [];

  /**
   * @param bounds default: one chunk waits
   * @param onTaken called as the decoder takes a chunk
   */
  constructor(
    bounds: ChunkQueueBounds = { maxBytes: 0, maxChunks: 1 },
    onTaken: (chunk: Uint8Array) => void = () => undefined,
  ) {
    this.#bounds = bounds;
    this.#onTaken = onTaken;
  }

  /** Resolves when the chunk has its place; after the end, chunks are dropped. */
  async push(chunk: Uint8Array): Promise<void> {
    while (!this.#hasRoom(chunk) && !this.#ended) await this.#change();
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#notify();
  }

  /** No more chunks; those that wait are still handed over. Idempotent. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#bytes -= chunk.length;
          this.#notify();
          this.#onTaken(chunk);
          yield chunk;
        } else if (this.#ended) {
          return;
        } else {
          await this.#change();
        }
      }
    } finally {
      // A decoder that stops early frees a reader that waits.
      this.#chunks.length = 0;
      this.end();
    }
  }

  #hasRoom({ length }: Uint8Array): boolean {
    if (this.#chunks.length === 0) return true;
    const { maxBytes, maxChunks } = this.#bounds;
    return this.#chunks.length < maxChunks && this.#bytes + length <= maxBytes;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
