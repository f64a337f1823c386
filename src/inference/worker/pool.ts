import {
  freezeWorker,
  killWorker,
  WorkerQueue,
  type QueuedJob,
  type WorkerQueueOptions,
} from './queue.ts';
import type { WorkerJob, WorkerResults, WorkerSetup } from './messages.ts';
import { Reach } from './reach.ts';
import type { ServerState } from '../engine/kserve/server-call.ts';

/**
 * Worker queues that do the same work. A job goes to the one with the fewest jobs before it; a worker
 * that cannot be started again gets none while another can take them.
 */
export class WorkerPool {
  readonly #queues: readonly WorkerQueue[];

  private constructor(queues: readonly WorkerQueue[]) {
    this.#queues = queues;
  }

  /** `onDown` is called when no worker is left. */
  static of(setups: readonly WorkerSetup[], options: WorkerQueueOptions): WorkerPool {
    const down = new Set<WorkerSetup>();
    // Whoever has made no call of late knows of no loss.
    const reach = new Reach<WorkerSetup>((isReachable, reason) =>
      options.onReach?.(isReachable, reason),
    );
    const queues = setups.map(
      (setup) =>
        new WorkerQueue(setup, {
          ...options,
          onRestart: () => {
            down.delete(setup);
            // It would not have started without a server.
            reach.learn(setup, true, 'a new worker found one');
            options.onRestart();
          },
          onDown: (cause) => {
            down.add(setup);
            if (down.size === setups.length) options.onDown?.(cause);
          },
          onReach: (isReachable, reason) => reach.learn(setup, isReachable, reason),
        }),
    );
    return new WorkerPool(queues);
  }

  /** Number of workers. */
  get size(): number {
    return this.#queues.length;
  }

  /** Jobs that wait for a worker, those under way left out. */
  get waiting(): number {
    return sum(this.#queues.map(({ waiting }) => waiting));
  }

  /** Threads that hang in native code. */
  get hungThreads(): number {
    return sum(this.#queues.map(({ hungThreads }) => hungThreads));
  }

  /** Inference servers as each worker sees them. */
  get servers(): readonly ServerState[] {
    return this.#queues.flatMap(({ servers }) => servers);
  }

  /** A pool of one of these workers, to test each; the larger one closes it. */
  single(index: number): WorkerPool {
    return new WorkerPool([this.#queues[index % this.#queues.length]!]);
  }

  /** Starts all workers; throws why one cannot be. */
  async start(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.start()));
  }

  /**
   * Starts one worker after the other, which takes longer and tells what each costs: bytes that the
   * process's resident memory grew by, in order.
   */
  async startInTurn(): Promise<number[]> {
    const grown: number[] = [];
    for (const queue of this.#queues) {
      const before = process.memoryUsage.rss();
      await queue.start();
      grown.push(process.memoryUsage.rss() - before);
    }
    return grown;
  }

  /** Queues a job; see {@link WorkerQueue}. */
  submit<Kind extends WorkerJob['kind']>(job: QueuedJob): Promise<WorkerResults[Kind]> {
    const working = this.#queues.filter(({ isDown }) => !isDown);
    const candidates = working.length > 0 ? working : this.#queues;
    const [first, ...others] = candidates;
    const least = others.reduce((best, queue) => (queue.load < best.load ? queue : best), first!);
    return least.submit<Kind>(job);
  }

  /** Queues a job for each worker. */
  async submitToEach<Kind extends WorkerJob['kind']>(
    job: QueuedJob,
  ): Promise<WorkerResults[Kind][]> {
    return await Promise.all(this.#queues.map((queue) => queue.submit<Kind>(job)));
  }

  /** Tells every worker that features are no longer needed. */
  release(id: number): void {
    for (const queue of this.#queues) queue.release(id);
  }

  /** Ends the workers; idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()));
  }

  /** See `killWorker` in queue.ts; of several workers the first. */
  async [killWorker](): Promise<void> {
    await this.#queues[0]![killWorker]();
  }

  /** See `freezeWorker` in queue.ts; of several workers the first. */
  [freezeWorker](): void {
    this.#queues[0]![freezeWorker]();
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
