import type { Container } from '../../frame/container.ts';
import { DecoderBacklog } from './decoder-backlog.ts';
import { Fifo } from '../../frame/fifo.ts';

/** A piece of encoded video with what its sender said of it. */
export type EncodedChunk = {
  readonly data: Uint8Array;
  /** Set where the chunk starts an access unit whose sender states its time. */
  readonly captureTimestampUs: number | null;
  /** Decoding can begin with this chunk. */
  readonly randomAccess: boolean;
  /** Bytes at its end with which the next access unit begins. Default: 0. */
  readonly nextUnitBytes?: number;
};

/** What a {@link LiveChunkQueue} is made for. */
export type LiveChunkOptions = {
  readonly container: Container;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Called with each chunk that the decoder takes. */
  readonly onTaken: (chunk: EncodedChunk) => void;
};

type Waiting = EncodedChunk & {
  readonly arrivedAtMs: number;
  /** Place in the order of arrival. */
  readonly serial: number;
  /** Bytes before this chunk can be missing. */
  readonly isBoundary: boolean;
};

/** Bytes that may wait: several seconds of a camera, so that its next random access point is seen. */
const maxWaitingBytes = 2 * 1024 * 1024;

/** As many where nothing can be skipped: what waits only grows old. */
const maxUnskippableBytes = 32 * 1024;

/** Chunks that may wait, however small: each costs more than its bytes. */
const maxWaitingChunks = 4096;

/** Skips that may wait for their frames to come out of the decoder: later ones are added to the last. */
const maxSkips = 256;

/** Video that waited longer is skipped where that can be done. */
const maxWaitMs = 250;

/** A decoder that makes no picture for so long of what it has is given more. */
const patienceMs = 250;

/** Containers in which bytes may be missing between two access units. */
const bearsGaps: ReadonlySet<Container> = new Set([
  'h264-annex-b',
  'hevc-annex-b',
  'mpeg-ts',
  'mp4',
  'ivf',
  'mjpeg',
  'flv',
  'mpeg-video',
] as const);

/** Boxes that a fragment of an MP4 may begin with. */
const fragmentBoxes: ReadonlySet<string> = new Set(['moof', 'styp', 'sidx', 'prft', 'emsg']);

/**
 * LATEST's queue before the decoder. The client is read without waiting and the decoder gets little ahead
 * of its pictures, so that video that a starved decoder cannot take grows old where it can be seen; once
 * the oldest has waited too long, all up to the newest random access point is skipped. That needs a
 * sender that marks its access units (`capture_timestamp_us`) and random access points: frames are
 * counted by those marks. Without them nothing is skipped, the queue is short, and the client waits once
 * it is full.
 */
export class LiveChunkQueue implements AsyncIterable<Uint8Array> {
  readonly #options: LiveChunkOptions;
  /** What is left of the access unit that the decoder has begun. */
  readonly #begun = new Fifo<Waiting>();
  /** What comes after it; begins with a boundary. */
  readonly #ahead = new Fifo<Waiting>();
  #serial = 0;
  /** Serial of the newest random access point: what is ahead of it can be skipped. */
  #newestAccess = -1;
  #waitingBytes = 0;
  #ended = false;
  /** What the decoder has, or gets before anything can be skipped: that of the units that are begun. */
  readonly #before = { units: 0, bytes: 0 };
  /** So many of these bytes, the last ones, begin the access unit that comes next. */
  #nextUnitBytes = 0;
  /** A random access point with its time has come, so there will be others. */
  #marked = false;
  /** Of MP4: it says that fragments follow, or they do. */
  #fragmented = false;
  /** Skips that no frame behind them has asked for yet: access units and bytes before, frames. */
  readonly #skips: {
    readonly unitsBefore: number;
    readonly bytesBefore: number;
    frames: number;
  }[] = [];
  #framesSkipped = 0;
  readonly #backlog = new DecoderBacklog();
  /** The decoder made a picture, or was given more, last. */
  #progressMs = 0;
  #wake: (() => void)[] = [];

  constructor(options: LiveChunkOptions) {
    this.#options = options;
  }

  /** Resolves at once while there is room; after the end, chunks are dropped. */
  async push(chunk: EncodedChunk): Promise<void> {
    this.#marked ||= chunk.randomAccess && startsUnit(chunk);
    const { container } = this.#options;
    if (container === 'mp4')
      this.#fragmented ||= startsFragment(chunk) || announcesFragments(chunk);
    while (this.#isFull() && !this.#ended) await this.#change();
    if (this.#ended) return;
    const serial = this.#serial++;
    const isBoundary = this.#isBoundary(chunk);
    const waiting = { ...chunk, serial, isBoundary, arrivedAtMs: this.#options.nowMs() };
    if (isBoundary || this.#ahead.length > 0) this.#ahead.push(waiting);
    else this.#begin(waiting);
    if (isBoundary && chunk.randomAccess) this.#newestAccess = serial;
    this.#waitingBytes += chunk.data.byteLength;
    this.#notify();
  }

  /** No more chunks; those that wait are still handed over. Idempotent. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /**
   * Frames that were skipped before the decoder's `decodedFrames`-th one. To be asked in order, for each
   * picture as it comes.
   */
  framesSkippedBefore(decodedFrames: number, position: number | null = null): number {
    this.#backlog.onPicture(decodedFrames + 1);
    this.#progressMs = this.#options.nowMs();
    this.#notify();
    for (let next = this.#skips[0]; next !== undefined; next = this.#skips[0]) {
      const isPast =
        position === null ? next.unitsBefore <= decodedFrames : next.bytesBefore <= position;
      if (!isPast) break;
      this.#framesSkipped += next.frames;
      this.#skips.shift();
    }
    return this.#framesSkipped;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        this.#skip();
        const isHeld = this.#isHeld();
        const chunk = isHeld ? undefined : (this.#begun.shift() ?? this.#beginUnit());
        if (chunk !== undefined) {
          this.#waitingBytes -= chunk.data.byteLength;
          if (startsUnit(chunk)) {
            this.#backlog.give();
            if (!this.#backlog.isFull) this.#progressMs = this.#options.nowMs();
          }
          this.#options.onTaken(chunk);
          this.#notify();
          yield chunk.data;
        } else if (isHeld) {
          await this.#changeOrPatience();
        } else if (this.#ended) {
          return;
        } else {
          await this.#change();
        }
      }
    } finally {
      // A decoder that stops early frees a reader that waits.
      this.#begun.clear();
      this.#ahead.clear();
      this.#waitingBytes = 0;
      this.end();
    }
  }

  /** Whether bytes before this chunk can be missing; told once, as it may look into the bytes. */
  #isBoundary(chunk: EncodedChunk): boolean {
    return startsUnit(chunk) && (this.#options.container !== 'mp4' || startsFragment(chunk));
  }

  #canSkip(): boolean {
    const { container } = this.#options;
    return this.#marked && bearsGaps.has(container) && (container !== 'mp4' || this.#fragmented);
  }

  #isFull(): boolean {
    if (this.#begun.length + this.#ahead.length >= maxWaitingChunks) return true;
    return this.#waitingBytes >= (this.#canSkip() ? maxWaitingBytes : maxUnskippableBytes);
  }

  /** Takes the boundary that is next; what belongs to it is not skipped from now on. */
  #beginUnit(): Waiting | undefined {
    const first = this.#ahead.shift();
    if (first === undefined) return undefined;
    this.#begin(first);
    for (let next = this.#ahead.peek(); next?.isBoundary === false; next = this.#ahead.peek()) {
      this.#ahead.shift();
      this.#begin(next);
    }
    return this.#begun.shift();
  }

  #begin(chunk: Waiting): void {
    this.#begun.push(chunk);
    if (startsUnit(chunk)) this.#before.units++;
    this.#before.bytes += chunk.data.byteLength;
    this.#nextUnitBytes = chunk.nextUnitBytes ?? 0;
  }

  /** Gives up what waits before the newest random access point, if the oldest is too old. */
  #skip(): void {
    const oldest = this.#begun.peek() ?? this.#ahead.peek();
    if (!oldest || this.#backlog.given === 0 || !this.#canSkip()) return;
    if (this.#options.nowMs() - oldest.arrivedAtMs <= maxWaitMs) return;
    let frames = 0;
    let skipped = 0;
    for (let next = this.#ahead.peek(); next !== undefined; next = this.#ahead.peek()) {
      if (next.serial >= this.#newestAccess) break;
      this.#ahead.shift();
      this.#waitingBytes -= next.data.byteLength;
      if (startsUnit(next)) frames++;
      skipped++;
    }
    if (skipped === 0) return;
    const last = this.#skips.at(-1);
    if (last !== undefined && this.#skips.length >= maxSkips) last.frames += frames;
    else {
      const { units: unitsBefore, bytes } = this.#before;
      this.#skips.push({ unitsBefore, bytesBefore: bytes - this.#nextUnitBytes, frames });
    }
    this.#notify();
  }

  /** The next access unit waits here until the decoder has made pictures of those before it. */
  #isHeld(): boolean {
    const isBetweenUnits = this.#begun.length === 0 && this.#ahead.length > 0;
    return isBetweenUnits && this.#backlog.isFull && this.#canSkip();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  async #changeOrPatience(): Promise<void> {
    const leftMs = this.#progressMs + patienceMs - this.#options.nowMs();
    if (leftMs <= 0) {
      this.#backlog.allowMore();
      this.#progressMs = this.#options.nowMs();
      return;
    }
    const timer = setTimeout(() => this.#notify(), leftMs);
    await this.#change();
    clearTimeout(timer);
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

function startsUnit({ captureTimestampUs }: EncodedChunk): boolean {
  return captureTimestampUs !== null;
}

/** An MP4 that is not fragmented says where each of its bytes lies: none can be missing. */
function startsFragment({ data }: EncodedChunk): boolean {
  return fragmentBoxes.has(String.fromCharCode(...data.subarray(4, 8)));
}

/** `mvex` in the header of an MP4 says that fragments follow. */
function announcesFragments({ data }: EncodedChunk): boolean {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).includes('mvex', 0, 'latin1');
}
