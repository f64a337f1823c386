import type { Segmenter } from '../frame/ports.ts';

/** A model whose self-test passed: the pipeline's port, and what its owner needs besides. */
export type LoadedModel = AsyncDisposable &
  Segmenter & {
    /** Features that are not closed yet. Tests end with 0. */
    liveFeatures(): number;
    /** Jobs that wait for each worker. */
    waitingJobs(): { readonly encoder: number; readonly refiner: number };
    /** Threads that hang in native code: a process that has some cannot end by itself. */
    hungThreads(): number;
    /** Ends the workers; calls under way, and later ones, fail with `shutting-down`. Idempotent. */
    close(): Promise<void>;
  };
