import { ObjectShare } from './object-share.ts';

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

  /** The share of one stream, which closes it. Objects of 0 bytes always fit. */
  open(bytesPerObject: number): ObjectShare {
    return new ObjectShare({
      room: () =>
        bytesPerObject === 0
          ? Number.POSITIVE_INFINITY
          : Math.floor((this.maxBytes - this.#takenBytes) / bytesPerObject),
      take: (objects) => void (this.#takenBytes += objects * bytesPerObject),
      refusal: (room, more) =>
        `the model keeps up to ${inMebibytes(bytesPerObject)} of each object, and this server ` +
        `${inMebibytes(this.maxBytes)} of all streams': expected at most ${room} more, got ${more}; ` +
        'objects and streams that end make room',
    });
  }
}

function inMebibytes(bytes: number): string {
  return `${Number((bytes / mebibyte).toFixed(1))} MiB`;
}
