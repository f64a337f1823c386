import { type Deferred, deferred } from '../../typescript/deferred.ts';
import type { AccessUnit, VideoFormat } from '../access-unit.ts';

/** A picture on its way, and how its stream is encoded. */
export type FormattedUnit = { readonly unit: AccessUnit; readonly format: VideoFormat };

/**
 * Pictures between a camera, which waits for nobody, and a server, which may be slow. Bounded in bytes:
 * where the bound is met the oldest go, up to the next picture with which decoding can begin, so that
 * what remains is young and whole.
 */
export class UnitBuffer {
  readonly #maxBytes: number;
  readonly #onDropped: (units: number) => void;
  #units: FormattedUnit[] = [];
  #bytes = 0;
  #waitsForRandomAccess = false;
  #dropped = 0;
  #taker: Deferred<FormattedUnit | null> | null = null;
  #isClosed = false;
  #roomWaiter: Deferred<void> | null = null;

  /** @param onDropped told how many pictures went, when the next one is kept */
  constructor(maxBytes: number, onDropped: (units: number) => void) {
    this.#maxBytes = maxBytes;
    this.#onDropped = onDropped;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a picture from the camera. */
  add(added: FormattedUnit): void {
    if (this.#isClosed) return;
    if (this.#waitsForRandomAccess && !added.unit.randomAccess) {
      this.#dropped++;
      return;
    }
    this.#waitsForRandomAccess = false;
    this.#tellDropped();
    if (this.#taker !== null) {
      const taker = this.#taker;
      this.#taker = null;
      taker.resolve(added);
      return;
    }
    this.#units.push(added);
    this.#bytes += added.unit.bytes.length;
    if (this.#bytes > this.#maxBytes) this.#dropGroups();
  }

  /** The next picture; null after the last one. Rejects with the reason of `signal`. */
  async take(signal: AbortSignal): Promise<FormattedUnit | null> {
    signal.throwIfAborted();
    const next = this.#units.shift();
    if (next !== undefined) {
      this.#bytes -= next.unit.bytes.length;
      this.#tellRoom();
      return next;
    }
    if (this.#isClosed) return null;
    const taker = deferred<FormattedUnit | null>();
    this.#taker = taker;
    const stop = () => {
      if (this.#taker === taker) this.#taker = null;
      taker.reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await taker.promise;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Resolves when at most half of what may wait waits: for a source that can be held back. */
  async room(signal: AbortSignal): Promise<void> {
    if (this.#bytes <= this.#maxBytes / 2) return;
    this.#roomWaiter ??= deferred<void>();
    const waiter = this.#roomWaiter;
    const stop = () => waiter.resolve();
    signal.addEventListener('abort', stop, { once: true });
    await waiter.promise;
    signal.removeEventListener('abort', stop);
  }

  /** What is taken next is for a decoder that has seen nothing. */
  startAfresh(): void {
    const next = this.#units.findIndex(({ unit }) => unit.randomAccess);
    this.#drop(next < 0 ? this.#units.length : next);
    this.#waitsForRandomAccess = next < 0;
  }

  /** No more pictures come. */
  close(): void {
    this.#isClosed = true;
    this.#taker?.resolve(null);
    this.#taker = null;
  }

  #dropGroups(): void {
    let count = 0;
    let rest = this.#bytes;
    while (count < this.#units.length && (rest > this.#maxBytes || !this.#isStart(count))) {
      rest -= this.#units[count]!.unit.bytes.length;
      count++;
    }
    this.#waitsForRandomAccess = count === this.#units.length;
    this.#drop(count);
  }

  #isStart(index: number): boolean {
    return this.#units[index]?.unit.randomAccess === true;
  }

  #drop(count: number): void {
    if (count === 0) return;
    const dropped = this.#units.splice(0, count);
    for (const { unit } of dropped) this.#bytes -= unit.bytes.length;
    this.#dropped += count;
    this.#tellRoom();
  }

  #tellRoom(): void {
    if (this.#bytes > this.#maxBytes / 2) return;
    this.#roomWaiter?.resolve();
    this.#roomWaiter = null;
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    const count = this.#dropped;
    this.#dropped = 0;
    this.#onDropped(count);
  }
}
