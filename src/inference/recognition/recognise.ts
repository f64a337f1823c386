import type { GraphTensor, GraphTensors } from '../engine/inspect-graph.ts';
import { precisionNames, type GraphRole, type Precision } from '../manifest.ts';
import { families } from './families.ts';
import type { FamilySignature, GraphSignature, TensorNames } from './family-signature.ts';

/** A graph file of a folder with its tensors. */
export type FoundGraph = { readonly file: string; readonly tensors: GraphTensors };

/** One graph with its tensors by meaning, as a manifest lists them. */
export type RecognisedGraph = {
  readonly file: string;
  readonly inputs: Readonly<Record<string, GraphTensor>>;
  readonly outputs: Readonly<Record<string, GraphTensor>>;
  /** Arithmetic of `file`, by its name. */
  readonly precision: Precision;
};

/** A graph, and further files of it in other arithmetic. */
export type RecognisedRole = RecognisedGraph & { readonly variants: readonly RecognisedGraph[] };

/** A family, and which file plays which role in it. */
export type Recognised = {
  readonly family: FamilySignature;
  readonly graphs: Readonly<Partial<Record<GraphRole, RecognisedRole>>>;
};

/**
 * Tells the family of exports from the names of tensors; file names only tell the precision of files
 * that fit the same role. Of these the most exact one is the graph and the others are its variants; of
 * several with one precision the first in the given order is taken.
 *
 * @returns null where no family that is served has all its graphs here
 */
export function recognise(found: readonly FoundGraph[]): Recognised | null {
  for (const family of families) {
    const graphs: Partial<Record<GraphRole, RecognisedRole>> = {};
    for (const [role, signature] of Object.entries(family.graphs)) {
      const fitting = found.flatMap((graph) => fit(graph, signature) ?? []);
      const [exact, ...variants] = precisionNames.flatMap(
        (name) => fitting.find(({ precision }) => precision === name) ?? [],
      );
      if (exact !== undefined) graphs[role as GraphRole] = { ...exact, variants };
    }
    if (family.required.every((role) => graphs[role] !== undefined)) return { family, graphs };
  }
  return null;
}

/** The tensors of graphs that belong to no family that is served, or to half a family; one line each. */
export function explainUnrecognised(found: readonly FoundGraph[]): string[] {
  return found.map(({ file, tensors }) => {
    const names = tensors.inputs.map(({ name }) => name);
    const outputs = tensors.outputs.map(({ name }) => name);
    return `${file} (${names.join(', ')} -> ${outputs.join(', ')})`;
  });
}

/** How exporters end the names of files in other arithmetic, as `vision_encoder_fp16.onnx`. */
const endings: readonly (readonly [ending: RegExp, precision: Precision])[] = [
  [/[._-]fp16$/, 'fp16'],
  [/[._-]bf16$/, 'bf16'],
  [/[._-](?:int8|quantized|quantised)$/, 'int8'],
  [/[._-]q4$/, 'q4'],
];

function precisionOf(file: string): Precision {
  const name = file.replace(/\.onnx$/, '');
  return endings.find(([ending]) => ending.test(name))?.[1] ?? 'fp32';
}

/** Every tensor of the graph gets a meaning, or the graph is another one. */
function fit({ file, tensors }: FoundGraph, signature: GraphSignature): RecognisedGraph | null {
  const optional = signature.optional ?? [];
  const inputs = byMeaning(tensors.inputs, signature.inputs, optional);
  const outputs = byMeaning(tensors.outputs, signature.outputs, optional);
  if (inputs === null || outputs === null) return null;
  if (Object.keys(inputs).length < tensors.inputs.length) return null;
  return {
    file,
    precision: precisionOf(file),
    inputs,
    outputs: { ...outputs, ...unused(tensors.outputs, outputs) },
  };
}

function byMeaning(
  tensors: readonly GraphTensor[],
  names: TensorNames,
  optional: readonly string[],
): Record<string, GraphTensor> | null {
  const found: Record<string, GraphTensor> = {};
  for (const [meaning, spellings] of Object.entries(names)) {
    const tensor = tensors.find(({ name }) => spellings.includes(name));
    if (tensor !== undefined) found[meaning] = tensor;
    else if (!optional.includes(meaning)) return null;
  }
  return found;
}

/** Outputs that nobody reads still stand in a manifest. */
function unused(
  tensors: readonly GraphTensor[],
  read: Readonly<Record<string, GraphTensor>>,
): Record<string, GraphTensor> {
  const taken = new Set(Object.values(read));
  const rest = tensors.filter((tensor) => !taken.has(tensor));
  return Object.fromEntries(rest.map((tensor, i) => [`unused${i + 1}`, tensor]));
}
