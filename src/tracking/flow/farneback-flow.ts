import type { FlowEngine } from './types.ts';

/** Options of {@link createFarnebackFlow}. */
export type FarnebackFlowOptions = {
  /** Pyramid levels. Default: 3. */
  levels?: number;
  /** Averaging window in pixels. Default: 9. */
  windowSize?: number;
  /** Iterations per level. Default: 2. */
  iterations?: number;
};

/** Polynomial expansion (Farnebäck, SCIA 2003) by opencv-wasm, which loads on the first call (~0.1 s). */
export async function createFarnebackFlow(
  _options: FarnebackFlowOptions = {},
): Promise<FlowEngine> {
  throw new Error('unfinished');
}
