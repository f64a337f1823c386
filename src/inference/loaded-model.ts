import type { Segmenter } from '../frame/ports.ts';

/** What a model's workers are for. */
export type WorkerName = 'encoder' | 'decoder' | 'refiner';

/** A model whose self-test passed: the pipeline's port, and what its owner needs besides. */
export type LoadedModel = AsyncDisposable &
  Segmenter & {
    /** Features that are not closed yet. Tests end with 0. */
    liveFeatures(): number;
    /** Jobs that wait for each part's workers; `decoder` is 0 where the encoder's worker decodes, too. */
    waitingJobs(): Readonly<Record<WorkerName, number>>;
    /** Threads that hang in native code: a process that has some cannot end by itself. */
    hungThreads(): number;
    /** Ends the workers; calls under way, and later ones, fail with `shutting-down`. Idempotent. */
    close(): Promise<void>;
  };
