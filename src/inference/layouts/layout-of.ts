import { maskstreamLayout } from './maskstream.ts';
import type { Layout } from './layout.ts';
import type { GraphRole, Manifest } from '../manifest.ts';

/** The adapter that a manifest asks for. */
export function layoutOf(manifest: Manifest): Layout {
  switch (manifest.layout) {
    case 'maskstream':
      return maskstreamLayout;
  }
}

/** What keeps a manifest from being served by its layout, in words. */
export function layoutProblems(manifest: Manifest): string[] {
  const layout = layoutOf(manifest);
  const problems = layout.unsupported(manifest);
  for (const [role, wanted] of Object.entries(layout.meanings)) {
    const graph = manifest.graphs[role as GraphRole];
    if (graph === undefined) continue;
    for (const side of ['inputs', 'outputs'] as const) {
      const missing = wanted[side].filter((meaning) => !(meaning in graph[side]));
      const known = [...wanted[side], ...(side === 'inputs' ? (wanted.optionalInputs ?? []) : [])];
      const extra = Object.keys(graph[side]).filter((meaning) => !known.includes(meaning));
      for (const name of missing) problems.push(`graphs.${role}.${side} lacks "${name}"`);
      for (const name of extra) problems.push(`graphs.${role}.${side}: "${name}" has no meaning`);
    }
  }
  return problems;
}
