import type { GraphRole, Manifest } from './manifest.ts';

/** Arithmetic of a model's graphs: 8-bit integers where the model brings them, or float32. */
export type Precision = 'quantised' | 'float32';

/**
 * Quantised on the CPU; the kernels of other providers want float32 and would copy between devices
 * around every integer operator.
 */
export function defaultPrecision(provider: string): Precision {
  return provider === 'cpu' ? 'quantised' : 'float32';
}

/**
 * The manifest with each graph's file of the precision that it is to have; a graph without a quantised
 * file stays as it is.
 */
export function withPrecision(
  manifest: Manifest,
  precisionOf: (role: GraphRole) => Precision,
): Manifest {
  const graphs = { ...manifest.graphs };
  for (const role of Object.keys(graphs) as GraphRole[]) {
    const graph = graphs[role];
    if (graph?.quantised !== undefined && precisionOf(role) === 'quantised') {
      graphs[role] = { ...graph, ...graph.quantised };
    }
  }
  return { ...manifest, graphs };
}
