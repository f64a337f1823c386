/** Bytes of a pipe: they can be read again from the start until {@link ReplayablePipe.forget}. */
export class ReplayablePipe {
  readonly #source: AsyncIterator<Uint8Array>;
  #kept: Uint8Array[] | null = [];
  #pending: Promise<IteratorResult<Uint8Array>> | null = null;
  #readers = 0;

  /** @param source is read once */
  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Whether {@link chunks} gives everything. */
  get isWhole(): boolean {
    return this.#kept !== null;
  }

  /** From now on nothing is kept. */
  forget(): void {
    this.#kept = null;
  }

  /** From the start, where it is whole, else from where it stands. `signal` ends it early. */
  async *chunks(signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = ++this.#readers;
    const aborted = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true });
    });
    for (let at = 0; !signal.aborted && reader === this.#readers;) {
      const known = this.#kept?.[at];
      if (known !== undefined) {
        at++;
        yield known;
        continue;
      }
      const next = await Promise.race([this.#next(), aborted]);
      if (next === null || next.done === true) return;
      // Else it is among the kept now.
      if (this.#kept === null) yield next.value;
    }
  }

  /** One read at a time, whoever waits for it. */
  #next(): Promise<IteratorResult<Uint8Array>> {
    this.#pending ??= this.#source.next().then((next) => {
      this.#pending = null;
      if (next.done !== true) this.#kept?.push(next.value);
      return next;
    });
    return this.#pending;
  }
}
