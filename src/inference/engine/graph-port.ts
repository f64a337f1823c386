import type { DescribedGraph } from './described-graph.ts';
import type { Graph } from './graph.ts';

/** One graph of a model, addressed by meaning, wherever it runs: what a {@link Graph} shows. */
export type GraphPort = Pick<Graph, 'checksOutputs' | 'nodePlaces' | 'run' | keyof DescribedGraph>;
