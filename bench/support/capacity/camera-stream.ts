import { ConflatingQueue } from '../../../src/pipeline/intake/conflating-queue.ts';
import { QueueingDelay } from '../../../src/pipeline/intake/queueing-delay.ts';
import { LivePace, type PacedFrame } from '../../../src/pipeline/live-pace.ts';
import type { StreamCosts } from './costs.ts';
import type { Replica } from './replica.ts';
import type { StreamRecord } from './stream-record.ts';
import { Thread } from './thread.ts';
import type { Timeline } from './timeline.ts';
import { decoderWeight } from './weights.ts';

/** A decoded frame that waits. */
type DecodedFrame = {
  readonly index: number;
  readonly capturedAtMs: number;
  readonly decodedAtMs: number;
  readonly droppedBefore: number;
};

/** What a stream is made of. */
type StreamParts = {
  readonly timeline: Timeline;
  readonly costs: StreamCosts;
  readonly record: StreamRecord;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Factor of mean 1 for the next piece of work. */
  readonly vary: () => number;
};

/**
 * One camera in LATEST on one server, from capture to answer. What decides there decides here: the
 * queue, its delay, the pace and the keyframe budget are the server's own classes; only work is time.
 */
export class CameraStream {
  readonly #parts: StreamParts;
  readonly #replica: Replica;
  readonly #decoder: Thread;
  readonly #tracker: Thread;
  readonly #pace: LivePace;
  readonly #delay: QueueingDelay;
  readonly #queue: ConflatingQueue<DecodedFrame>;
  #isOpen = true;
  #isBusy = false;
  #isSettled = false;
  #lastKeyframe = Number.NEGATIVE_INFINITY;
  #keyframe: 'none' | 'running' | 'arrived' = 'none';
  #sceneCut = false;

  /** Joins a server; the first frame's masks come from a keyframe that the stream waits for. */
  constructor(parts: StreamParts, replica: Replica) {
    const nowMs = (): number => parts.timeline.nowMs;
    this.#parts = parts;
    this.#replica = replica;
    this.#decoder = new Thread(replica.processor, { weight: decoderWeight, cap: 1 });
    this.#tracker = replica.trackerOf();
    this.#pace = new LivePace(replica.budget, nowMs);
    this.#delay = new QueueingDelay(nowMs);
    this.#queue = new ConflatingQueue<DecodedFrame>({
      mayWait: ({ decodedAtMs }) => this.#delay.mayWait(decodedAtMs),
      conflate: (older, newer) => {
        this.#delay.onDrop();
        return { ...newer, droppedBefore: newer.droppedBefore + older.droppedBefore + 1 };
      },
    });
  }

  /** The camera took a picture. */
  capture(index: number, atMs: number): void {
    const { costs, timeline } = this.#parts;
    const { main, client } = this.#replica;
    this.#run(client, costs.clientMs / 2, () => {
      this.#run(main, costs.mainMs / 2, () => {
        this.#run(this.#decoder, costs.decodeMs, () => {
          const decodedAtMs = timeline.nowMs;
          this.#queue.push({ index, capturedAtMs: atMs, decodedAtMs, droppedBefore: 0 });
          this.#next();
        });
      });
    });
  }

  /** What is filmed changes: the next frame begins a keyframe that asks nobody. */
  cutScene(): void {
    this.#sceneCut = true;
  }

  /** The stream goes elsewhere, or its server is gone: nothing of it is answered any more. */
  close(): void {
    this.#isOpen = false;
    this.#pace.endKeyframe();
    this.#replica.release(this.#tracker);
  }

  #next(): void {
    if (this.#isBusy) return;
    const frame = this.#queue.shift();
    if (frame === undefined) return;
    this.#isBusy = true;
    const { costs } = this.#parts;
    const { index, decodedAtMs, droppedBefore } = frame;
    const paced: PacedFrame = {
      frame: { index, timestampUs: (index * 1e6) / costs.frameRate },
      queuedAtMs: decodedAtMs,
      framesDroppedBefore: droppedBefore,
      revision: 0,
    };
    this.#pace.begin(paced);
    this.#run(this.#tracker, costs.flowMs, () => this.#segment(frame, paced));
  }

  #segment(frame: DecodedFrame, paced: PacedFrame): void {
    if (!this.#isSettled) {
      this.#prompt(frame, paced);
      return;
    }
    const carried = this.#keyframe === 'arrived';
    if (carried) this.#keyframe = 'none';
    this.#beginKeyframe(frame.index);
    this.#refine(frame, paced, carried);
  }

  /** The stream waits for the answer to its prompt. */
  #prompt(frame: DecodedFrame, paced: PacedFrame): void {
    const { costs, record } = this.#parts;
    const cost = this.#pace.mayFlip ? costs.promptMs : costs.promptMs / 2;
    const waiting = this.#replica.budget.beginPrompted();
    record.keyframes++;
    this.#replica.segment(this.#varied(cost), () => {
      waiting[Symbol.dispose]();
      if (!this.#isOpen) return;
      this.#isSettled = true;
      this.#lastKeyframe = frame.index;
      this.#output(frame, paced);
    });
  }

  #beginKeyframe(index: number): void {
    const { costs, record } = this.#parts;
    const isDue = index - this.#lastKeyframe >= costs.framesBetweenKeyframes;
    const mayBegin = (): boolean =>
      this.#keyframe === 'none' && isDue && this.#pace.tryBeginKeyframe();
    if (!this.#sceneCut && !mayBegin()) return;
    this.#sceneCut = false;
    this.#lastKeyframe = index;
    this.#keyframe = 'running';
    record.keyframes++;
    this.#replica.segment(this.#varied(costs.keyframeMs), () => {
      if (!this.#isOpen) return;
      this.#pace.endKeyframe();
      this.#keyframe = 'arrived';
    });
  }

  /** Doubtful masks are refined; after a keyframe, how objects look is learnt in its place. */
  #refine(frame: DecodedFrame, paced: PacedFrame, carried: boolean): void {
    const { costs, random } = this.#parts;
    const isDoubtful = carried || random() < costs.refinedShare;
    if (!isDoubtful || costs.refineMs === 0 || !this.#pace.mayRefine(paced)) {
      this.#output(frame, paced);
      return;
    }
    const refining = this.#replica.budget.beginRefining();
    this.#replica.refiner.run(this.#varied(costs.refineMs), () => {
      refining[Symbol.dispose]();
      if (this.#isOpen) this.#output(frame, paced);
    });
  }

  #output(frame: DecodedFrame, paced: PacedFrame): void {
    const { costs, record, timeline } = this.#parts;
    const { main, client } = this.#replica;
    this.#run(this.#tracker, costs.outputMs, () => {
      this.#pace.end(paced);
      this.#run(main, costs.mainMs / 2, () => {
        this.#run(client, costs.clientMs / 2, () => {
          record.answer(frame.capturedAtMs, timeline.nowMs);
        });
      });
      this.#isBusy = false;
      this.#next();
    });
  }

  /** Does work on a thread and goes on, unless the stream is over by then. */
  #run(thread: Thread, ms: number, done: () => void): void {
    thread.run(this.#varied(ms), () => {
      if (this.#isOpen) done();
    });
  }

  #varied(ms: number): number {
    return ms * this.#parts.vary();
  }
}
