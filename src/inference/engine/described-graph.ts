import type { GraphManifest, TensorManifest } from '../manifest.ts';

/** What the manifest says of a graph, by meaning; the same wherever the graph runs. */
export abstract class DescribedGraph {
  readonly manifest: GraphManifest;

  constructor(manifest: GraphManifest) {
    this.manifest = manifest;
  }

  /** Whether the graph has an input of this meaning. */
  hasInput(meaning: string): boolean {
    return meaning in this.manifest.inputs;
  }

  /** The input of this meaning as the manifest describes it; undefined where there is none. */
  inputOf(meaning: string): TensorManifest | undefined {
    return this.manifest.inputs[meaning];
  }

  /** The output of this meaning as the manifest describes it; undefined where there is none. */
  outputOf(meaning: string): TensorManifest | undefined {
    return this.manifest.outputs[meaning];
  }
}
