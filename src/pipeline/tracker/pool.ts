import { SegmentationError } from '../../frame/errors.ts';
import type { RemoteTrackerOptions, TrackerCalls, TrackerLoss, TrackerMethod } from './messages.ts';
import { TrackerThread } from './thread.ts';

/** One stream's tracker, wherever it runs. Calls answer in order; one at a time per stream. */
export type TrackerHandle = {
  call<M extends TrackerMethod>(
    method: Exclude<M, 'open' | 'close'>,
    ...parameters: TrackerCalls[M]['arguments']
  ): Promise<TrackerCalls[M]['result']>;
  /** While it is not `none`, calls reject. */
  readonly loss: TrackerLoss;
  /** A new tracker, which knows nothing, in place of one that is gone. Throws as `open`. */
  reopen(): Promise<void>;
  /** Frees the stream's state; idempotent. */
  close(): void;
};

/** Hosts the trackers of all streams in worker threads. */
export type TrackerPool = {
  /**
   * A tracker in the thread that has the fewest streams. Throws `worker-died`.
   *
   * @param owner whose stream it is: owners take turns at a thread. Default: everybody's
   */
  open(options: RemoteTrackerOptions, owner?: string): Promise<TrackerHandle>;
  /** Ends the threads; calls in flight fail with `shutting-down`. */
  close(): Promise<void>;
};

/** A pool whose load can be seen. */
export type WatchedTrackerPool = TrackerPool & {
  /** Calls that wait for a thread or are in work. */
  pendingCalls(): number;
};

/** Options of {@link createTrackerPool}. */
export type TrackerPoolOptions = {
  readonly maxThreads: number;
  /** Time after which a call that does not answer hangs, and its thread is ended. Default: 60 s. */
  readonly callTimeoutMs?: number;
  /** A thread died or was ended because it hung. Default: nobody is told. */
  readonly onDeath?: (cause: unknown) => void;
};

/** Flow over the largest frame takes some milliseconds; a busy machine makes seconds of them. */
const defaultCallTimeoutMs = 60_000;

/**
 * Starts tracking threads on demand, at most `maxThreads`. The calls of all streams of a thread that
 * dies fail with `worker-died`; `reopen` gives each a tracker in another one.
 */
export function createTrackerPool(options: TrackerPoolOptions): WatchedTrackerPool {
  const { maxThreads, callTimeoutMs = defaultCallTimeoutMs, onDeath } = options;
  const threads: TrackerThread[] = [];
  let streams = 0;
  let closed = false;
  const start = (): TrackerThread => {
    const thread = new TrackerThread({
      callTimeoutMs,
      onDeath: (cause) => {
        if (!closed) onDeath?.(cause);
      },
    });
    threads.push(thread);
    return thread;
  };
  const place = async (trackerOptions: RemoteTrackerOptions, owner: string): Promise<Placed> => {
    if (closed) throw new SegmentationError('shutting-down', 'the server is shutting down');
    const thread = leastLoaded(threads, maxThreads) ?? start();
    const streamId = ++streams;
    await thread.open(streamId, { owner, options: trackerOptions });
    return { thread, streamId };
  };
  return {
    open: async (trackerOptions, owner = '') => {
      let { thread, streamId } = await place(trackerOptions, owner);
      let isOpen = true;
      const close = (): void => {
        if (isOpen) thread.close(streamId);
        isOpen = false;
      };
      return {
        call: async (method, ...parameters) =>
          (await thread.call(streamId, method, parameters)) as never,
        get loss() {
          return thread.lossOf(streamId);
        },
        reopen: async () => {
          thread.close(streamId);
          ({ thread, streamId } = await place(trackerOptions, owner));
          // The stream may have ended meanwhile.
          if (!isOpen) thread.close(streamId);
        },
        close,
      };
    },
    pendingCalls: () => threads.reduce((sum, { pendingCalls }) => sum + pendingCalls, 0),
    close: async () => {
      closed = true;
      await Promise.all(threads.splice(0).map((thread) => thread.end()));
    },
  };
}

type Placed = { readonly thread: TrackerThread; readonly streamId: number };

/** The thread for one more stream; null: a new one. */
function leastLoaded(threads: TrackerThread[], maxThreads: number): TrackerThread | null {
  for (let i = threads.length - 1; i >= 0; i--) if (threads[i]?.isDead) threads.splice(i, 1);
  const [idlest] = threads.toSorted((a, b) => a.streams - b.streams);
  return idlest && (idlest.streams === 0 || threads.length >= maxThreads) ? idlest : null;
}
