import type { SessionInput } from '../../../src/pipeline/index.ts';

/** A client's messages, which are pushed while a session reads them. */
export class InputQueue implements AsyncIterable<SessionInput> {
  readonly #waiting: SessionInput[] = [];
  #wake: (() => void) | null = null;

  push(input: SessionInput): void {
    this.#waiting.push(input);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SessionInput, void, undefined> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield next;
    }
  }
}
