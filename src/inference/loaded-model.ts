import type { Segmenter } from '../frame/ports.ts';
import type { GraphPlaces } from './worker/messages.ts';

/** What a model's workers are for. */
export type WorkerName = 'encoder' | 'decoder' | 'refiner';

/** What one worker holds. */
export type WorkerMemory = {
  readonly worker: WorkerName;
  /** Where its sessions are: `cuda:0`, or `cuda:1, cpu` for several. */
  readonly devices: string;
  /** Bytes of the files that it opened. */
  readonly fileBytes: number;
  /** What the process's resident memory grew by while it opened them; null where others did so, too. */
  readonly residentBytes: number | null;
};

/** What a model took when it was loaded. */
export type ModelMemory = {
  /** What the process's resident memory grew by until the self-test had passed. */
  readonly residentBytes: number;
  readonly workers: readonly WorkerMemory[];
};

/** A model whose self-test passed: the pipeline's port, and what its owner needs besides. */
export type LoadedModel = AsyncDisposable &
  Segmenter & {
    /**
     * The same model for one of several owners, who take turns at its workers by the time that each has
     * had. Features are everybody's; the model is closed once.
     */
    forOwner(owner: string): Segmenter;
    /** Features that are not closed yet. Tests end with 0. */
    liveFeatures(): number;
    readonly memory: ModelMemory;
    /** Jobs that wait for each part's workers; `decoder` is 0 where the encoder's worker decodes, too. */
    waitingJobs(): Readonly<Record<WorkerName, number>>;
    /** Where operators ran until now, of graphs that ran; only once, and only where it was loaded for that. */
    countNodes(signal: AbortSignal): Promise<GraphPlaces[]>;
    /** Threads that hang in native code: a process that has some cannot end by itself. */
    hungThreads(): number;
    /** Ends the workers; calls under way, and later ones, fail with `shutting-down`. Idempotent. */
    close(): Promise<void>;
  };
