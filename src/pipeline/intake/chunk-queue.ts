/**
 * Hands chunks from the reader of the client's messages to the decoder, one at a time: the reader
 * waits until the decoder has taken a chunk, and with it the client.
 */
export class ChunkQueue implements AsyncIterable<Uint8Array> {
  #chunk: Uint8Array | null = null;
  #ended = false;
  #wake: (() => void)[] = [];

  /** Resolves when the decoder has taken the chunk before; after the end, chunks are dropped. */
  async push(chunk: Uint8Array): Promise<void> {
    while (this.#chunk !== null && !this.#ended) await this.#change();
    if (this.#ended) return;
    this.#chunk = chunk;
    this.#notify();
  }

  /** No more chunks; one that waits is still handed over. Idempotent. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunk;
        if (chunk !== null) {
          this.#chunk = null;
          this.#notify();
          yield chunk;
        } else if (this.#ended) {
          return;
        } else {
          await this.#change();
        }
      }
    } finally {
      // A decoder that stops early frees a reader that waits.
      this.#chunk = null;
      this.end();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
