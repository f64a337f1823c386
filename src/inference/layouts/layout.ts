import type { Tensor } from '../engine/onnxruntime.ts';
import type { Box } from '../../frame/geometry.ts';
import type { Click } from '../../frame/prompt.ts';
import type { ClipTokenizer } from './clip-tokenizer.ts';
import type { Candidates } from './candidate.ts';
import type { GraphPort as Graph } from '../engine/graph-port.ts';
import type { GraphRole, Manifest } from '../manifest.ts';
import type { Picture } from '../picture.ts';
import type { ModelMask, ObjectMemory } from '../../frame/ports.ts';

/** The opened graphs of a worker; a role that it does not run is absent. */
export type Graphs = Partial<Record<GraphRole, Graph>>;

/** Encoder outputs by meaning; what they are is the layout's business. */
export type LayoutFeatures = Record<string, Tensor>;

/** One object for the decoder, with the remembered features at hand. */
export type LayoutItem = {
  readonly clicks: readonly Click[];
  readonly box: Box | null;
  readonly prior: ModelMask | null;
  readonly memory: readonly { readonly features: LayoutFeatures; readonly mask: ModelMask }[];
};

/** One object for a model that keeps a memory of each. */
export type RecallItem = Omit<LayoutItem, 'memory'> & {
  readonly objectMemory: ObjectMemory | null;
  /** `prior` is a mask prompt. */
  readonly isGiven: boolean;
};

/** What a keyframe says of one object, and what the model keeps of it from there on. */
export type Recalled = { readonly found: Candidates; readonly objectMemory: ObjectMemory };

/** Learned values that are in no graph, by the manifest's names for them. */
export type Constants = Readonly<Record<string, Float32Array>>;

/** What the text graph says of a whole picture. */
export type ClassMaps = { readonly maps: Float32Array; readonly side: number };

/**
 * Talks to the graphs of one family of exports: which inputs they have, how prompts become tensors,
 * how outputs become candidates. A new family is a new file and a new name in the manifest's
 * `layout`; sessions, queues, calibration and choice stay as they are.
 */
export type Layout = {
  /** Tensor meanings that a manifest of this layout must name, per graph. */
  readonly meanings: {
    readonly [role in GraphRole]?: {
      readonly inputs: readonly string[];
      /** Inputs that an export may leave out: exporters drop what a graph does not use. */
      readonly optionalInputs?: readonly string[];
      readonly outputs: readonly string[];
      /** Outputs that only some exports have; any other is listed as `unused…`. */
      readonly optionalOutputs?: readonly string[];
    };
  };
  /** Settings of the manifest that the layout cannot serve; an empty list where all is well. */
  unsupported(manifest: Manifest): string[];
  encode(picture: Picture, graphs: Graphs, manifest: Manifest): Promise<LayoutFeatures>;
  /** One result per item, in order. Their logits are the caller's, who frees them. */
  decode(
    features: LayoutFeatures,
    items: readonly LayoutItem[],
    graphs: Graphs,
    manifest: Manifest,
  ): Promise<Candidates[]>;
  /** Probability of each of the text graph's nouns: float32[channels, side, side]. */
  classify?(features: LayoutFeatures, graphs: Graphs): Promise<ClassMaps>;
  /** The port of models with an open vocabulary, made once a worker; it takes the place of `decode`. */
  openConcepts?(graphs: Graphs, manifest: Manifest, tokenizer: ClipTokenizer): ConceptPort;
  /**
   * The port of models whose memory belongs to an object. Made once a worker, it takes the place of
   * `decode`: one keyframe of one object, from the memory before it to the memory after it.
   */
  openMemory?(graphs: Graphs, manifest: Manifest, constants: Constants): Promise<MemoryPort>;
};

/** What a phrase found; the box is in fractions of the region. */
export type FoundInstance = { readonly box: Box; readonly score: number };

/** Runs a model with an open vocabulary. */
export type ConceptPort = {
  /** All instances of a phrase, best first. */
  find(
    features: LayoutFeatures,
    query: { readonly phrase: string; readonly maxObjects: number; readonly minScore?: number },
  ): Promise<FoundInstance[]>;
  /** One result per item, in order; see `Layout.decode`. */
  decode(features: LayoutFeatures, items: readonly LayoutItem[]): Promise<Candidates[]>;
};

/** Runs the memory of one model. */
export type MemoryPort = {
  recall(features: LayoutFeatures, item: RecallItem): Promise<Recalled>;
};
