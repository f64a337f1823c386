import { usageError } from '../frame/errors.ts';
import {
  precisionNames,
  type GraphManifest,
  type GraphRole,
  type Manifest,
  type Precision,
} from './manifest.ts';

/** A manifest whose graphs name the files that are to run, and the arithmetic of each. */
export type ChosenFiles = {
  readonly manifest: Manifest;
  readonly precisions: Readonly<Partial<Record<GraphRole, Precision>>>;
};

/** Precisions that some graph of a model has a file of, the exact one first. */
export function precisionsOf({ graphs }: Pick<Manifest, 'graphs'>): Precision[] {
  const there = new Set(Object.values(graphs).flatMap((graph) => (graph ? filesOf(graph) : [])));
  return precisionNames.filter((name) => there.has(name));
}

/**
 * The files that run. Asked for by name: each graph's file of that precision, and its first one where
 * it has none. Otherwise 8-bit integers on the CPU where the model was published with them
 * (`quantised`): the kernels of other providers would copy between devices around every integer
 * operator.
 *
 * Throws `usage` for a precision that no graph has.
 *
 * @param isOnCpu whether all sessions of a graph are on the CPU
 */
export function chooseFiles(
  manifest: Manifest,
  asked: Precision | null,
  isOnCpu: (role: GraphRole) => boolean,
): ChosenFiles {
  const there = precisionsOf(manifest);
  if (asked !== null && !there.includes(asked)) {
    throw usageError(
      `expected a precision that ${manifest.name} has (${there.join(', ')}), got "${asked}"`,
    );
  }
  const graphs = { ...manifest.graphs };
  const precisions: Partial<Record<GraphRole, Precision>> = {};
  for (const role of Object.keys(graphs) as GraphRole[]) {
    const graph = graphs[role];
    if (graph === undefined) continue;
    const isQuantised = graph.quantised !== undefined && isOnCpu(role);
    const wanted = asked ?? (isQuantised ? 'int8' : baseOf(graph));
    const has = filesOf(graph).includes(wanted);
    graphs[role] = has ? withFile(graph, wanted) : graph;
    precisions[role] = has ? wanted : baseOf(graph);
  }
  return { manifest: { ...manifest, graphs }, precisions };
}

/** One name for all graphs that run, and which differ: `fp32`, or `int8 (fp32: decoder, text)`. */
export function describePrecisions(precisions: ChosenFiles['precisions']): string {
  const entries = Object.entries(precisions);
  const names = [...new Set(entries.map(([, name]) => name))];
  const head = names.find((name) => name !== 'fp32') ?? 'fp32';
  const others = names
    .filter((name) => name !== head)
    .map((other) => {
      const roles = entries.filter(([, name]) => name === other).map(([role]) => role);
      return `${other}: ${roles.join(', ')}`;
    });
  return others.length === 0 ? head : `${head} (${others.join('; ')})`;
}

function baseOf({ precision = 'fp32' }: GraphManifest): Precision {
  return precision;
}

function filesOf(graph: GraphManifest): Precision[] {
  const further = Object.keys(graph.variants ?? {}) as Precision[];
  return [baseOf(graph), ...further, ...(graph.quantised === undefined ? [] : ['int8' as const])];
}

function withFile(graph: GraphManifest, wanted: Precision): GraphManifest {
  if (wanted === baseOf(graph)) return graph;
  const file = graph.variants?.[wanted] ?? (wanted === 'int8' ? graph.quantised : undefined);
  if (file === undefined) return graph;
  const {
    inputs = graph.inputs,
    outputs = graph.outputs,
    ...stored
  } = {
    inputs: undefined,
    outputs: undefined,
    ...file,
  };
  return { ...graph, ...stored, inputs, outputs, precision: wanted };
}
