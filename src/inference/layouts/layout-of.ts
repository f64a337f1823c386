import { conceptLayout } from './concept.ts';
import { maskstreamLayout } from './maskstream.ts';
import { samLayout } from './sam.ts';
import { samMemoryLayout } from './sam-memory.ts';
import type { Layout } from './layout.ts';
import type { GraphRole, Manifest } from '../manifest.ts';

/** The adapter that a manifest asks for. */
export function layoutOf(manifest: Manifest): Layout {
  switch (manifest.layout) {
    case 'maskstream':
      return maskstreamLayout;
    case 'concept':
      return conceptLayout;
    case 'sam':
      return samLayout;
    case 'sam-memory':
      return samMemoryLayout;
  }
}

/** Outputs that an export has and nobody reads are listed under such a meaning. */
export function isUnused(meaning: string): boolean {
  return meaning.startsWith('unused');
}

/** What keeps a manifest from being served by its layout, in words. */
export function layoutProblems(manifest: Manifest): string[] {
  const layout = layoutOf(manifest);
  const problems = layout.unsupported(manifest);
  for (const [role, graph] of Object.entries(manifest.graphs)) {
    const wanted = layout.meanings[role as GraphRole];
    if (graph === undefined) continue;
    if (wanted === undefined) {
      problems.push(`graphs.${role} has no meaning in layout "${manifest.layout}"`);
      continue;
    }
    for (const side of ['inputs', 'outputs'] as const) {
      const missing = wanted[side].filter((meaning) => !(meaning in graph[side]));
      const optional = side === 'inputs' ? wanted.optionalInputs : wanted.optionalOutputs;
      const known = [...wanted[side], ...(optional ?? [])];
      const extra = Object.keys(graph[side]).filter(
        (meaning) => !known.includes(meaning) && !(side === 'outputs' && isUnused(meaning)),
      );
      for (const name of missing) problems.push(`graphs.${role}.${side} lacks "${name}"`);
      for (const name of extra) problems.push(`graphs.${role}.${side}: "${name}" has no meaning`);
    }
  }
  return problems;
}
