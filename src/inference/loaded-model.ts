import type { Segmenter } from '../frame/ports.ts';

/** A model whose self-test passed: the pipeline's port, and what its owner needs besides. */
export type LoadedModel = AsyncDisposable &
  Segmenter & {
    /** Features that are not closed yet. Tests end with 0. */
    liveFeatures(): number;
    /** Ends the workers; calls under way, and later ones, fail with `shutting-down`. Idempotent. */
    close(): Promise<void>;
  };
