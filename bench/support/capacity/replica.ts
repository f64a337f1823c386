import { KeyframeBudget } from '../../../src/pipeline/keyframe/budget.ts';
import type { InferencePool } from './inference-pool.ts';
import { Processor } from './processor.ts';
import { Thread } from './thread.ts';
import type { Timeline } from './timeline.ts';
import { mainWeight, modelWeight, trackerWeight } from './weights.ts';

/** The main thread's own work comes once in so long. */
const backgroundMs = 400;

/** Calls of inference servers under way at a time: MASKSTREAM_KSERVE_MAX_CALLS' default. */
const usualMaxCalls = 8;

/** What a server is. */
export type ReplicaOptions = {
  readonly cores: number;
  /** Cores that one run of its own model takes at once. */
  readonly modelCores: number;
  /** Core milliseconds a second of the main thread, whatever it serves. */
  readonly mainMsPerSecond: number;
  /** What it costs the main thread to wake, in core milliseconds. Default: 0 */
  readonly wakeMs?: number;
  /** Where keyframes go; null: its own model. */
  readonly pool: InferencePool | null;
  /** Calls there under way at a time, and so keyframes, at most. Default: the server's */
  readonly maxCalls?: number;
};

/** One maskstream server: its cores, its threads, and the keyframe budget that all its streams share. */
export class Replica {
  readonly processor: Processor;
  readonly budget: KeyframeBudget;
  /** Node's main thread: messages of all streams. */
  readonly main: Thread;
  readonly refiner: Thread;
  /** Encoder and decoder. */
  readonly model: Thread;
  /** Senders and readers of all streams, where they run on the same machine. */
  readonly client: Thread;
  readonly #pool: InferencePool | null;
  readonly #maxCalls: number;
  /** Calls that wait for one that is under way. */
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  readonly #trackers: { readonly thread: Thread; streams: number }[];

  constructor(timeline: Timeline, options: ReplicaOptions) {
    const { cores, modelCores, mainMsPerSecond, wakeMs, pool, maxCalls = usualMaxCalls } = options;
    this.processor = new Processor(timeline, cores);
    this.budget = new KeyframeBudget(
      () => timeline.nowMs,
      () => (pool === null ? 1 : maxCalls),
      (ms, happen) => timeline.cancellable(ms, happen),
    );
    this.main = new Thread(this.processor, { weight: mainWeight, cap: 1 }, wakeMs);
    this.client = new Thread(this.processor, { weight: mainWeight, cap: 1 });
    this.refiner = new Thread(this.processor, { weight: modelWeight, cap: 1 });
    const share = { weight: modelWeight, cap: modelCores };
    this.model = new Thread(this.processor, share);
    this.#pool = pool;
    this.#maxCalls = maxCalls;
    this.#trackers = Array.from({ length: Math.max(1, Math.floor(cores)) }, () => ({
      thread: new Thread(this.processor, { weight: trackerWeight, cap: 1 }),
      streams: 0,
    }));
    const keepBusy = (): void => {
      this.main.run((mainMsPerSecond * backgroundMs) / 1000, () => undefined);
      timeline.after(backgroundMs, keepBusy);
    };
    if (mainMsPerSecond > 0) keepBusy();
  }

  /** Streams that are served. */
  get streams(): number {
    return this.#trackers.reduce((sum, { streams }) => sum + streams, 0);
  }

  /** The tracking thread with the fewest streams, for one more; to be released. */
  trackerOf(): Thread {
    const idlest = this.#trackers.reduce((a, b) => (b.streams < a.streams ? b : a));
    idlest.streams++;
    return idlest.thread;
  }

  /** A stream leaves its tracking thread. */
  release(thread: Thread): void {
    for (const tracker of this.#trackers) if (tracker.thread === thread) tracker.streams--;
  }

  /** Runs the encoder, so many core milliseconds of the own one, or one on an inference server. */
  encode(coreMs: number, done: () => void): void {
    if (this.#pool === null) this.model.run(coreMs, done);
    else this.#call(this.#pool, done);
  }

  #call(pool: InferencePool, done: () => void): void {
    if (this.#underWay >= this.#maxCalls) {
      this.#waiting.push(() => this.#call(pool, done));
      return;
    }
    this.#underWay++;
    pool.infer(() => {
      this.#underWay--;
      this.#waiting.shift()?.();
      done();
    });
  }

  /** Runs the decoder, which ends a keyframe and goes before what begins one. */
  decode(coreMs: number, done: () => void): void {
    if (this.#pool === null) this.model.run(coreMs, done, true);
    else done();
  }
}
