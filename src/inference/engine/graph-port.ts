import type { Graph } from './graph.ts';

/** One graph of a model, addressed by meaning, wherever it runs: what a {@link Graph} shows. */
export type GraphPort = Pick<
  Graph,
  'checksOutputs' | 'nodePlaces' | 'hasInput' | 'inputOf' | 'outputOf' | 'run'
>;
