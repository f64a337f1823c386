import type { Size } from './geometry.ts';

/**
 * One decoded picture at analysis size, as planar yuv420p in shared memory, so that worker threads
 * read it without a copy. Whoever receives a frame closes it; a closed frame's memory is reused.
 */
export type Frame = Disposable & {
  /** Decoded frames from 0 in presentation order. */
  readonly index: number;
  /** Presentation time in microseconds; may be negative. */
  readonly timestampUs: number;
  /** The time comes from the frame rate, not from the container. */
  readonly timestampSynthetic: boolean;
  /** Size of `data`: long side at most the analysis size, both sides even. */
  readonly analysis: Size;
  /** Size of the source as displayed: display matrix and pixel aspect applied. */
  readonly display: Size;
  /** Y, then U, then V, tightly packed: width x height, then twice width/2 x height/2 bytes. */
  readonly data: Uint8Array<SharedArrayBuffer>;
  /** Monotonic time at which the decoder handed the frame over, in milliseconds. */
  readonly decodedAtMs: number;
  /** One more owner; each owner closes. Returns this frame. */
  retain(): Frame;
  /** Gives up ownership; the last close returns the memory. More closes than owners throw. */
  close(): void;
};

/** What a {@link FramePool} needs to make a frame. */
export type FrameInit = Pick<
  Frame,
  'index' | 'timestampUs' | 'timestampSynthetic' | 'analysis' | 'display' | 'decodedAtMs'
>;

/** Bytes of a yuv420p picture; both sides must be even. */
export function yuv420Bytes(size: Size): number {
  return (size.width * size.height * 3) / 2;
}

let live = 0;

/** Frames that are not closed yet, in the whole process. Tests end with 0. */
export function liveFrames(): number {
  return live;
}

/**
 * Recycles the memory of frames: allocating and zeroing shared memory for every frame would cost more
 * than decoding small ones, and each thread that has seen a frame keeps its memory until its garbage
 * collector looks. Streams may share a pool. A closed frame's memory is another frame's at once, so a
 * thread that still reads it may read anything; nobody may use what comes of that.
 */
export class FramePool {
  readonly #free: SharedArrayBuffer[] = [];
  readonly #maxFree: number;
  readonly #bufferBytes: number;

  /**
   * @param maxFree most spare buffers
   * @param bufferBytes least bytes of each buffer, so that frames of many sizes can use the same ones;
   * what a frame does not touch costs no memory. Default: as large as its frame
   */
  constructor(maxFree = 8, bufferBytes = 0) {
    this.#maxFree = maxFree;
    this.#bufferBytes = bufferBytes;
  }

  /** A frame with one owner and undefined pixels. */
  create(init: FrameInit): Frame {
    const bytes = yuv420Bytes(init.analysis);
    const buffer = this.#take(Math.max(bytes, this.#bufferBytes));
    let owners = 1;
    live++;
    const frame: Frame = {
      ...init,
      data: new Uint8Array(buffer, 0, bytes),
      retain: () => {
        if (owners === 0) throw new Error(`frame ${init.index} retained after its last close`);
        owners++;
        return frame;
      },
      close: () => {
        if (owners === 0)
          throw new Error(`frame ${init.index} closed more often than it was owned`);
        if (--owners > 0) return;
        live--;
        if (this.#free.length < this.#maxFree) this.#free.push(buffer);
      },
      [Symbol.dispose]: () => frame.close(),
    };
    return frame;
  }

  #take(bytes: number): SharedArrayBuffer {
    for (let spare = this.#free.pop(); spare !== undefined; spare = this.#free.pop()) {
      if (spare.byteLength === bytes) return spare;
    }
    return new SharedArrayBuffer(bytes);
  }
}
