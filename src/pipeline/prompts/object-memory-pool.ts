import { SegmentationError } from '../../frame/errors.ts';
import type { ObjectShare } from './object-share.ts';

/** What a server's objects may keep in memory, where a model keeps a memory of each. */
export type ObjectMemoryPoolOptions = {
  /** Bytes of all streams together. Default: {@link defaultObjectMemoryBytes}. */
  readonly maxBytes?: number;
};

/** 1 GiB: 203 objects of SAM 2.1's size with four prompts each, or 161 of SAM 3's. */
export const defaultObjectMemoryBytes = 2 ** 30;

const mebibyte = 2 ** 20;

/**
 * The memories of all streams' objects, booked by what each may grow to: an object that was taken is
 * never refused its memory later.
 */
export class ObjectMemoryPool {
  readonly maxBytes: number;
  #takenBytes = 0;

  constructor({ maxBytes = defaultObjectMemoryBytes }: ObjectMemoryPoolOptions = {}) {
    this.maxBytes = maxBytes;
  }

  /** Bytes that are booked. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** The share of one stream, which closes it. */
  open(bytesPerObject: number): ObjectMemoryShare {
    return new ObjectMemoryShare(bytesPerObject, {
      freeBytes: () => this.maxBytes - this.#takenBytes,
      maxBytes: this.maxBytes,
      take: (bytes) => void (this.#takenBytes += bytes),
    });
  }
}

type Source = {
  readonly freeBytes: () => number;
  readonly maxBytes: number;
  readonly take: (bytes: number) => void;
};

/** What one stream's objects have booked. */
export class ObjectMemoryShare implements ObjectShare {
  readonly #bytesPerObject: number;
  readonly #source: Source;
  #objects = 0;
  #isClosed = false;

  constructor(bytesPerObject: number, source: Source) {
    this.#bytesPerObject = bytesPerObject;
    this.#source = source;
  }

  require(objects: number): void {
    const more = objects - this.#objects;
    if (more <= 0 || this.#bytesPerObject === 0) return;
    const { freeBytes, maxBytes } = this.#source;
    const room = Math.max(0, Math.floor(freeBytes() / this.#bytesPerObject));
    if (more <= room) return;
    throw new SegmentationError(
      'too-many-objects',
      `the model keeps up to ${inMebibytes(this.#bytesPerObject)} of each object, and this server ` +
        `${inMebibytes(maxBytes)} of all streams': expected at most ${room} more, got ${more}; ` +
        'objects and streams that end make room',
    );
  }

  book(objects: number): void {
    if (this.#isClosed) return;
    this.#source.take((objects - this.#objects) * this.#bytesPerObject);
    this.#objects = objects;
  }

  close(): void {
    this.book(0);
    this.#isClosed = true;
  }
}

function inMebibytes(bytes: number): string {
  return `${Number((bytes / mebibyte).toFixed(1))} MiB`;
}
