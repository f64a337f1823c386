import { ConflatingQueue } from '../../../src/pipeline/intake/conflating-queue.ts';
import { QueueingDelay } from '../../../src/pipeline/intake/queueing-delay.ts';
import { LivePace, type PacedFrame } from '../../../src/pipeline/live-pace.ts';
import type { StreamCosts } from './costs.ts';
import { type DecodedFrame, SimulatedDecoder } from './simulated-decoder.ts';
import type { Replica } from './replica.ts';
import type { StreamRecord } from './stream-record.ts';
import type { Thread } from './thread.ts';
import type { Timeline } from './timeline.ts';

/** A decoded frame that waits. */
type WaitingFrame = DecodedFrame & { readonly droppedBefore: number };

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
 * queues, their delays, the pace and the keyframe budget are the server's own classes; only work is
 * time.
 */
export class CameraStream {
  readonly #parts: StreamParts;
  readonly #replica: Replica;
  readonly #decoder: SimulatedDecoder;
  readonly #tracker: Thread;
  readonly #pace: LivePace;
  readonly #delay: QueueingDelay;
  readonly #queue: ConflatingQueue<WaitingFrame>;
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
    this.#decoder = new SimulatedDecoder(parts, replica, (frame) => {
      if (!this.#isOpen) return;
      this.#queue.push({ ...frame, droppedBefore: 0 });
      this.#next();
    });
    this.#tracker = replica.trackerOf();
    this.#pace = new LivePace(replica.budget, nowMs);
    this.#delay = new QueueingDelay(nowMs);
    this.#queue = new ConflatingQueue<WaitingFrame>({
      mayWait: ({ decodedAtMs }) => this.#delay.mayWait(decodedAtMs),
      conflate: (older, newer) => {
        this.#delay.onDrop();
        return { ...newer, droppedBefore: newer.droppedBefore + older.droppedBefore + 1 };
      },
    });
  }

  /** The camera took a picture. */
  capture(index: number, atMs: number): void {
    const { costs } = this.#parts;
    const { main, client } = this.#replica;
    this.#run(client, costs.clientMs / 2, () => {
      this.#run(main, costs.mainMs / 3, () => this.#decoder.take({ index, capturedAtMs: atMs }));
    });
  }

  /** What is filmed changes: the next frame begins a keyframe that asks nobody. */
  cutScene(): void {
    this.#sceneCut = true;
  }

  /** The stream goes elsewhere, or its server is gone: nothing of it is answered any more. */
  close(): void {
    this.#isOpen = false;
    this.#decoder.close();
    this.#pace.close();
    this.#replica.release(this.#tracker);
  }

  #next(): void {
    if (this.#isBusy) return;
    const frame = this.#queue.shift();
    if (frame === undefined) return;
    this.#isBusy = true;
    const { costs, random } = this.#parts;
    const { index, decodedAtMs, droppedBefore } = frame;
    const paced: PacedFrame = {
      frame: { index, timestampUs: (index * 1e6) / costs.frameRate },
      queuedAtMs: decodedAtMs,
      framesDroppedBefore: droppedBefore,
      revision: 0,
    };
    this.#pace.begin(paced);
    const carried = this.#keyframe === 'arrived';
    if (carried) this.#keyframe = 'none';
    const isDoubtful = random() < costs.refinedShare && this.#pace.mayRefine(paced);
    const refines = (carried || isDoubtful) && costs.refineMs > 0;
    // A step that leaves nothing to refine gives the masks, too.
    const ms = costs.flowMs + (refines || !this.#isSettled ? 0 : costs.outputMs);
    this.#call(this.#tracker, ms, () => {
      if (!this.#isSettled) return this.#prompt(frame, paced);
      this.#beginKeyframe(index);
      if (!refines || !this.#pace.mayRefine(paced)) {
        if (refines) this.#output(frame, paced);
        else this.#answer(frame, paced);
        return;
      }
      this.#refine(frame, paced);
    });
  }

  /** The stream waits for the answer to its prompt; a second pass sees it flipped, if there is time. */
  #prompt(frame: WaitingFrame, paced: PacedFrame): void {
    const { costs, record } = this.#parts;
    const waiting = this.#replica.budget.beginPrompted();
    record.keyframes++;
    const settle = (): void => {
      waiting[Symbol.dispose]();
      this.#isSettled = true;
      this.#lastKeyframe = frame.index;
      this.#output(frame, paced);
    };
    this.#segment(1, () => {
      const flipped = costs.promptMs / costs.keyframeMs - 1;
      if (flipped > 0 && this.#pace.mayFlip) this.#segment(flipped, settle);
      else settle();
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
    this.#segment(1, () => {
      this.#pace.endKeyframe(true);
      this.#keyframe = 'arrived';
    });
  }

  /** A pass of encoder and decoder, one call each; of the decoder's runs those go first that end a pass. */
  #segment(passes: number, done: () => void): void {
    const { keyframeMs, encoderShare } = this.#parts.costs;
    const ms = this.#varied(keyframeMs * passes);
    const { main } = this.#replica;
    const whileOpen = (next: () => void) => (): void => {
      if (this.#isOpen) this.#run(main, 0, next);
    };
    const decode = (): void => this.#replica.decode(ms * (1 - encoderShare), whileOpen(done));
    this.#replica.encode(ms * encoderShare, whileOpen(decode));
  }

  /** Doubtful masks are refined; after a keyframe, how objects look is learnt in its place. */
  #refine(frame: WaitingFrame, paced: PacedFrame): void {
    const refining = this.#replica.budget.beginRefining();
    this.#replica.refiner.run(this.#varied(this.#parts.costs.refineMs), () => {
      refining[Symbol.dispose]();
      if (this.#isOpen) this.#run(this.#replica.main, 0, () => this.#output(frame, paced));
    });
  }

  #output(frame: WaitingFrame, paced: PacedFrame): void {
    this.#call(this.#tracker, this.#parts.costs.outputMs, () => this.#answer(frame, paced));
  }

  #answer(frame: WaitingFrame, paced: PacedFrame): void {
    const { costs, record, timeline } = this.#parts;
    const { main, client } = this.#replica;
    this.#pace.end(paced);
    this.#run(main, costs.mainMs / 3, () => {
      this.#run(client, costs.clientMs / 2, () => {
        record.answer(frame.capturedAtMs, timeline.nowMs);
      });
    });
    this.#pace.enter(() => {
      this.#isBusy = false;
      if (this.#isOpen) this.#next();
    });
  }

  /** Does work on a worker; its answer goes through the main thread. */
  #call(thread: Thread, ms: number, done: () => void): void {
    this.#run(thread, ms, () => this.#run(this.#replica.main, 0, done));
  }

  /** Does work on a thread and goes on, unless the stream is over by then. */
  #run(thread: Thread, ms: number, done: () => void): void {
    thread.run(this.#varied(ms), () => {
      if (this.#isOpen) done();
    });
  }

  #varied(ms: number): number {
    return ms === 0 ? 0 : ms * this.#parts.vary();
  }
}
