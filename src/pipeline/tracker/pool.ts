import { Worker } from 'node:worker_threads';
import { SegmentationError } from '../../frame/errors.ts';
import { shortageOf } from '../../frame/shortage.ts';
import { workerEntry } from '../../frame/worker-entry.ts';
import type {
  RemoteTrackerOptions,
  TrackerCall,
  TrackerCalls,
  TrackerMethod,
  TrackerReply,
} from './messages.ts';

/** One stream's tracker, wherever it runs. Calls answer in order; one at a time per stream. */
export type TrackerHandle = {
  call<M extends TrackerMethod>(
    method: Exclude<M, 'open' | 'close'>,
    ...parameters: TrackerCalls[M]['arguments']
  ): Promise<TrackerCalls[M]['result']>;
  /** Frees the stream's state; idempotent. */
  close(): void;
};

/** Hosts the trackers of all streams in worker threads. */
export type TrackerPool = {
  /** A tracker in the thread that has the fewest streams. Throws `worker-died`. */
  open(options: RemoteTrackerOptions): Promise<TrackerHandle>;
  /** Ends the threads; calls in flight fail with `shutting-down`. */
  close(): Promise<void>;
};

/** A pool whose load can be seen. */
export type WatchedTrackerPool = TrackerPool & {
  /** Calls that wait for a thread or are in work. */
  pendingCalls(): number;
};

type Pending = { resolve: (result: unknown) => void; reject: (error: SegmentationError) => void };

/**
 * Starts tracking threads on demand, at most `maxThreads`. A thread that dies fails the streams that
 * it hosts with `worker-died`, and is replaced when the next stream opens.
 */
export function createTrackerPool(options: { maxThreads: number }): WatchedTrackerPool {
  const threads: TrackerThread[] = [];
  let streams = 0;
  let closed = false;
  return {
    open: async (trackerOptions) => {
      if (closed) throw new SegmentationError('shutting-down', 'the server is shutting down');
      const thread = leastLoaded(threads, options.maxThreads);
      return await thread.open(++streams, trackerOptions);
    },
    pendingCalls: () => threads.reduce((sum, { pendingCalls }) => sum + pendingCalls, 0),
    close: async () => {
      closed = true;
      await Promise.all(threads.splice(0).map((thread) => thread.close()));
    },
  };
}

function leastLoaded(threads: TrackerThread[], maxThreads: number): TrackerThread {
  for (let i = threads.length - 1; i >= 0; i--) if (threads[i]?.dead) threads.splice(i, 1);
  const idlest = threads.toSorted((a, b) => a.streams - b.streams)[0];
  if (idlest && (idlest.streams === 0 || threads.length >= maxThreads)) return idlest;
  const thread = new TrackerThread();
  threads.push(thread);
  return thread;
}

class TrackerThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  #closing = false;
  streams = 0;
  dead = false;

  constructor() {
    this.#worker = new Worker(workerEntry(import.meta.url, 'worker'));
    this.#worker.unref();
    this.#worker.on('message', (reply: TrackerReply) => this.#settle(reply));
    this.#worker.on('error', (cause) => this.#die(cause));
    this.#worker.on('exit', (code) => this.#die(new Error(`tracking thread exited with ${code}`)));
  }

  get pendingCalls(): number {
    return this.#pending.size;
  }

  async open(streamId: number, options: RemoteTrackerOptions): Promise<TrackerHandle> {
    this.streams++;
    let open = true;
    const close = (): void => {
      if (!open) return;
      open = false;
      this.streams--;
      if (!this.dead) void this.#call(streamId, 'close', []).catch(() => undefined);
    };
    try {
      await this.#call(streamId, 'open', [options]);
    } catch (error) {
      close();
      throw error;
    }
    const call = async (method: TrackerMethod, ...parameters: readonly unknown[]): Promise<never> =>
      (await this.#call(streamId, method, parameters)) as never;
    return { call, close };
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
  }

  #call(streamId: number, method: TrackerMethod, parameters: readonly unknown[]): Promise<unknown> {
    if (this.dead) return Promise.reject(this.#deathError(undefined));
    return new Promise((resolve, reject) => {
      const callId = ++this.#calls;
      this.#pending.set(callId, { resolve, reject });
      const call: TrackerCall = { callId, streamId, method, arguments: parameters };
      this.#worker.postMessage(call);
    });
  }

  #settle(reply: TrackerReply): void {
    const pending = this.#pending.get(reply.callId);
    this.#pending.delete(reply.callId);
    if ('error' in reply) {
      const cause = new Error(reply.error);
      pending?.reject(new SegmentationError('internal', 'internal error', { cause }));
    } else {
      pending?.resolve(reply.result);
    }
  }

  #die(cause: unknown): void {
    this.dead = true;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(this.#deathError(cause));
  }

  #deathError(cause: unknown): SegmentationError {
    if (this.#closing) {
      return new SegmentationError('shutting-down', 'the server is shutting down');
    }
    return (
      shortageOf(cause) ??
      new SegmentationError('worker-died', 'the tracking thread ended', { cause })
    );
  }
}
