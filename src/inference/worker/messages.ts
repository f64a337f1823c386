import type { ErrorCode } from '../../frame/errors.ts';
import type { Box } from '../../frame/geometry.ts';
import type { Click } from '../../frame/prompt.ts';
import type { Device } from '../engine/device.ts';
import type { NodePlaces } from '../engine/node-places.ts';
import type { Colour } from '../text/colour.ts';
import type { KserveOptions } from '../engine/kserve/kserve-options.ts';
import type { ServerCall, ServerState } from '../engine/kserve/server-call.ts';
import type { GraphRole, Manifest, VocabularyEntry } from '../manifest.ts';
import type { Picture } from '../picture.ts';
import type {
  ModelMask,
  ObjectMemory,
  Refined,
  RefineRequest,
  Segmented,
  TextInstance,
} from '../../frame/ports.ts';

/** What a worker needs to open its graphs. */
export type WorkerSetup = {
  readonly directory: string;
  readonly manifest: Manifest;
  /** The graphs that this worker runs. */
  readonly roles: readonly GraphRole[];
  /** Where each of them runs. */
  readonly devices: Readonly<Partial<Record<GraphRole, Device>>>;
  /** Features are decoded by other workers: they leave this one, and it keeps none. */
  readonly sharesFeatures: boolean;
  /** Operators are counted where they run, for the job `count-nodes`. Default: false. */
  readonly profiles?: boolean;
  /** Threads inside one run, the worker's own included. */
  readonly threads: number;
  /** Graphs that inference servers run in place of this worker; null: none. */
  readonly kserve: KserveOptions | null;
};

/** Features in memory that all threads see, by meaning. */
export type SharedFeatures = Readonly<Record<string, SharedTensor>>;

/** One tensor in memory that all threads see, with the runtime's name of its type. */
export type SharedTensor = {
  readonly type: string;
  readonly dims: readonly number[];
  readonly memory: SharedArrayBuffer;
};

/**
 * Features by the id that the main thread gave them. `rebuild` is set where this worker does not
 * hold them (it was started after they were made): it encodes the picture again. `shared` is set
 * where other workers encode.
 */
export type FeatureReference = {
  readonly id: number;
  readonly rebuild: Picture | null;
  readonly shared?: SharedFeatures;
};

/** One object for the decoder, with memory by reference. */
export type DecodeItem = {
  readonly clicks: readonly Click[];
  readonly box: Box | null;
  readonly prior: ModelMask | null;
  readonly memory: readonly { readonly features: FeatureReference; readonly mask: ModelMask }[];
  /** See `DecodeRequest`. */
  readonly objectMemory?: ObjectMemory | null;
  readonly isGiven?: boolean;
};

/** A phrase after parsing: a noun of the vocabulary and the colours to look for. */
export type TextItem = {
  readonly entry: VocabularyEntry;
  readonly colours: readonly Colour[];
  readonly maxObjects: number;
  readonly minScore?: number;
  readonly picture: Picture;
  /** Features of the model's tiles where other workers encode; null: to be made here. */
  readonly tiles: readonly { readonly region: Box; readonly features: FeatureReference }[] | null;
};

/** A phrase for a model with an open vocabulary. */
export type PhraseItem = {
  readonly phrase: string;
  readonly maxObjects: number;
  readonly minScore?: number;
};

/** Work for a worker; one is under way at a time where all graphs run there. */
export type WorkerJob =
  | {
      readonly kind: 'encode';
      readonly id: number;
      readonly picture: Picture;
      readonly checksOutputs?: boolean;
    }
  | {
      readonly kind: 'decode';
      /** The run fails where a graph gives something that is no number. */
      readonly checksOutputs?: boolean;
      readonly features: FeatureReference;
      readonly items: readonly DecodeItem[];
    }
  | { readonly kind: 'refine'; readonly items: readonly RefineRequest[] }
  | { readonly kind: 'count-nodes' }
  | { readonly kind: 'find-text'; readonly features: FeatureReference; readonly query: TextItem }
  | {
      readonly kind: 'find-phrase';
      readonly features: FeatureReference;
      readonly query: PhraseItem;
    };

/** Where the operators of one graph of a worker ran. */
export type GraphPlaces = {
  readonly role: GraphRole;
  readonly device: string;
  readonly places: NodePlaces;
};

/** What each kind of job gives back. */
export type WorkerResults = {
  /** Null where the features stay in the worker. */
  encode: SharedFeatures | null;
  decode: Segmented[];
  refine: Refined[];
  /** Of graphs that ran. */
  'count-nodes': GraphPlaces[];
  'find-text': TextInstance[];
  'find-phrase': TextInstance[];
};

/** Main thread to worker. */
export type ToWorker =
  | {
      readonly kind: 'job';
      readonly id: number;
      readonly job: WorkerJob;
      /** See `JobContext`. */
      readonly mayFallBack: boolean;
    }
  /** Nobody wants a job's answer any more: calls that it waits for are given up. */
  | { readonly kind: 'cancel'; readonly id: number }
  /** Frees features; unknown ids are ignored. */
  | { readonly kind: 'release'; readonly id: number };

/** What a worker thread starts with: its setup and the memory of its gate. */
export type WorkerStart = { readonly setup: WorkerSetup; readonly gate: SharedArrayBuffer };

/** Worker to main thread: `ready` or `unusable` once, then one answer per job. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unusable'; readonly code: ErrorCode; readonly message: string }
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly result: WorkerResults[keyof WorkerResults];
    }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: ErrorCode;
      readonly message: string;
    }
  /** No inference server answers any more, or one does again. */
  | { readonly kind: 'reach'; readonly reachable: boolean; readonly reason: string }
  /** A call of an inference server is over. */
  | { readonly kind: 'server-call'; readonly call: ServerCall }
  /** How an inference server stands now. */
  | { readonly kind: 'server-state'; readonly state: ServerState }
  /** Answers no more: the gate is shut and the thread waits to be terminated. */
  | { readonly kind: 'standstill' };
