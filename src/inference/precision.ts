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

/** The manifest with the files of that precision; a graph without a quantised file stays as it is. */
export function withPrecision(manifest: Manifest, precision: Precision): Manifest {
  if (precision === 'float32') return manifest;
  const graphs = { ...manifest.graphs };
  for (const role of Object.keys(graphs) as GraphRole[]) {
    const graph = graphs[role];
    if (graph?.quantised !== undefined) graphs[role] = { ...graph, ...graph.quantised };
  }
  return { ...manifest, graphs };
}
