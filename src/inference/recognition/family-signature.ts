import type { GraphRole, Manifest, ObjectMemoryManifest } from '../manifest.ts';

/** Names that exporters give to a tensor, most usual first, by its meaning. */
export type TensorNames = Readonly<Record<string, readonly string[]>>;

/** How one graph of a family is told by its tensors. */
export type GraphSignature = {
  readonly inputs: TensorNames;
  readonly outputs: TensorNames;
  /** Meanings that an export may leave out. */
  readonly optional?: readonly string[];
};

/** A family of exports that is served: its tensors, and what its files do not say. */
export type FamilySignature = {
  /** For people, such as `SAM 2.1 with memory, dynamic lengths`. */
  readonly name: string;
  readonly layout: Manifest['layout'];
  readonly graphs: Readonly<Partial<Record<GraphRole, GraphSignature>>>;
  readonly required: readonly GraphRole[];
  /** How the bank goes into attention; absent where the family keeps no memory of objects. */
  readonly attention?: ObjectMemoryManifest['attention'];
  /** Conventions of a model that finds phrases; absent elsewhere. */
  readonly concept?: ConceptConventions;
  /** Conventions of an image segmenter of the SAM kind; absent elsewhere. */
  readonly sam?: SamConventions;
};

/** What exports that find phrases do alike and their tensors do not say. */
export type ConceptConventions = {
  readonly colours: 'normalised' | 'in-graph';
  /** Scores and presence before the logistic function, or after it. */
  readonly scores: 'logits' | 'probabilities';
};

/** What exports of the SAM kind do alike and their tensors do not say. */
export type SamConventions = {
  readonly fit: Manifest['preprocess']['fit'];
  /** What the graph wants of colours: normalised as in its training, or as they are. */
  readonly colours: 'normalised' | 'in-graph-0-1' | 'in-graph-where-channels-last';
  readonly coordinates: Manifest['prompts']['coordinates'];
  readonly box: 'corners' | 'own-input' | 'none';
  /** Points need one more, of the padding label, where there is no box. */
  readonly padWithoutBox?: true;
  readonly iou: 'none' | 'clamp';
};
