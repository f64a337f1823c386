import type { Segmenter } from '../frame/ports.ts';
import type { ServerState } from './engine/kserve/server-call.ts';
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

/** Who asks the model, and how. */
export type ModelUser = {
  /** Owners take turns at its workers by the time that each has had. */
  readonly owner: string;
  /**
   * While no inference server answers, graphs run here, as far as the model was loaded for that;
   * otherwise calls wait for a server, so that results are the same to the bit. Default: false.
   */
  readonly mayFallBack?: boolean;
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
    /** The same model for one of several users. Features are everybody's; the model is closed once. */
    forUser(user: ModelUser): Segmenter;
    /** Keyframes of all streams that it can have under way at a time; changes with what answers. */
    keyframesAtATime(): number;
    /** Features that are not closed yet. Tests end with 0. */
    liveFeatures(): number;
    readonly memory: ModelMemory;
    /** Jobs that wait for each part's workers; `decoder` is 0 where the encoder's worker decodes, too. */
    waitingJobs(): Readonly<Record<WorkerName, number>>;
    /** How the inference servers stand that run some of its graphs; none where it needs none. */
    inferenceServers(): ServerState[];
    /** Where operators ran until now, of graphs that ran; only once, and only where it was loaded for that. */
    countNodes(signal: AbortSignal): Promise<GraphPlaces[]>;
    /** Threads that hang in native code: a process that has some cannot end by itself. */
    hungThreads(): number;
    /** Ends the workers; calls under way, and later ones, fail with `shutting-down`. Idempotent. */
    close(): Promise<void>;
  };
