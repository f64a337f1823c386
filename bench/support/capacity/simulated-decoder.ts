import type { StreamCosts } from './costs.ts';
import type { Replica } from './replica.ts';
import { Thread } from './thread.ts';
import type { Timeline } from './timeline.ts';
import { decoderWeight } from './weights.ts';

/** A picture that was sent. */
export type SentFrame = { readonly index: number; readonly capturedAtMs: number };

/** A picture that came out of the decoder. */
export type DecodedFrame = SentFrame & { readonly decodedAtMs: number };

/** What a decoder is made of. */
type DecoderParts = {
  readonly timeline: Timeline;
  readonly costs: StreamCosts;
  /** Factor of mean 1 for the next piece of work. */
  readonly vary: () => number;
};

/** Encoded bytes under way to ffmpeg: a pipe, and what Node buffers before it. */
const pipeBytes = 80 * 1024;

/** As `LiveChunkQueue`: video that waited longer is skipped up to the newest random access point. */
const maxWaitMs = 250;

/** One stream's ffmpeg, with the queue before it. */
export class SimulatedDecoder {
  readonly #parts: DecoderParts;
  readonly #replica: Replica;
  readonly #thread: Thread;
  readonly #onFrame: (frame: DecodedFrame) => void;
  readonly #pipedFrames: number;
  #waiting: (SentFrame & { readonly arrivedAtMs: number })[] = [];
  #piped = 0;
  #isOpen = true;

  constructor(parts: DecoderParts, replica: Replica, onFrame: (frame: DecodedFrame) => void) {
    this.#parts = parts;
    this.#replica = replica;
    this.#onFrame = onFrame;
    this.#thread = new Thread(replica.processor, { weight: decoderWeight, cap: 1 });
    this.#pipedFrames = Math.max(1, Math.floor(pipeBytes / parts.costs.bytesIn));
  }

  /** The main thread has its bytes. */
  take(frame: SentFrame): void {
    this.#waiting.push({ ...frame, arrivedAtMs: this.#parts.timeline.nowMs });
    this.#feed();
  }

  /** Nothing comes out any more. */
  close(): void {
    this.#isOpen = false;
    this.#waiting = [];
  }

  #feed(): void {
    const { costs, timeline, vary } = this.#parts;
    while (this.#piped < this.#pipedFrames) {
      this.#skip();
      const frame = this.#waiting.shift();
      if (frame === undefined) return;
      this.#piped++;
      this.#thread.run(costs.decodeMs * vary(), () => {
        this.#piped--;
        if (!this.#isOpen) return;
        this.#feed();
        this.#replica.main.run((costs.mainMs / 3) * vary(), () => {
          if (this.#isOpen) this.#onFrame({ ...frame, decodedAtMs: timeline.nowMs });
        });
      });
    }
  }

  #skip(): void {
    const [oldest] = this.#waiting;
    if (!oldest || this.#parts.timeline.nowMs - oldest.arrivedAtMs <= maxWaitMs) return;
    const { framesPerGroup } = this.#parts.costs;
    const access = this.#waiting.findLastIndex(({ index }) => index % framesPerGroup === 0);
    if (access > 0) this.#waiting.splice(0, access);
  }
}
