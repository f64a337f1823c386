import type { FlowEngine } from './types.ts';

/** Options of {@link createDisFlow}. */
export type DisFlowOptions = {
  /** Finest pyramid level searched: 0 = the grid itself, 1 = half of it. Default: 1. */
  finestLevel?: number;
};

/** Dense inverse search (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016). */
export function createDisFlow(_options: DisFlowOptions = {}): FlowEngine {
  throw new Error('unfinished');
}
