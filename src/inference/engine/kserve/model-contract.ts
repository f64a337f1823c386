import { SegmentationError } from '../../../frame/errors.ts';
import type {
  ModelMetadataResponse,
  ModelMetadataResponse_TensorMetadata as TensorMetadata,
} from '../../../gen/kserve/open_inference.ts';
import type { GraphManifest, TensorManifest } from '../../manifest.ts';
import { show } from '../tensor-shape.ts';
import { type Datatype, datatypes } from './raw-tensor.ts';

/** How the tensors of one model travel, by their names there. */
export type ModelContract = {
  readonly inputs: ReadonlyMap<string, Datatype>;
  readonly outputs: ReadonlyMap<string, Datatype>;
};

/** What a server's tensors may be besides what the manifest says. */
export type Allowances = {
  /** Meanings of inputs that hold pixels 0..255, which may travel as bytes. */
  readonly pixels: readonly string[];
};

/**
 * Compares what a server says of a model with the manifest: names, types and shapes, both ways.
 * float32 may be FP16 there.
 *
 * Throws `model-load-failed`, naming the tensor, what was expected and what came.
 *
 * @param where names the model in messages
 */
export function agreeOnModel(
  where: string,
  graph: Pick<GraphManifest, 'inputs' | 'outputs'>,
  { metadata, pixels }: Allowances & { readonly metadata: ModelMetadataResponse },
): ModelContract {
  const inputs = new Map<string, Datatype>();
  for (const [meaning, wanted] of Object.entries(graph.inputs)) {
    const allowed = [...typesFor(wanted), ...(pixels.includes(meaning) ? ['UINT8' as const] : [])];
    inputs.set(wanted.name, agreeOnTensor(`${where}: input`, wanted, metadata.inputs, allowed));
  }
  const unknown = metadata.inputs.find(({ name }) => !inputs.has(name));
  if (unknown !== undefined) fail(`${where}: input ${unknown.name} is not in the manifest`);
  const outputs = new Map<string, Datatype>();
  for (const [meaning, wanted] of Object.entries(graph.outputs)) {
    if (meaning.startsWith('unused')) continue;
    const type = agreeOnTensor(`${where}: output`, wanted, metadata.outputs, typesFor(wanted));
    outputs.set(wanted.name, type);
  }
  return { inputs, outputs };
}

function typesFor({ type }: TensorManifest): Datatype[] {
  return type === 'float32' ? ['FP32', 'FP16'] : [datatypes[type]];
}

function agreeOnTensor(
  where: string,
  wanted: TensorManifest,
  listed: readonly TensorMetadata[],
  allowed: readonly Datatype[],
): Datatype {
  const found = listed.find(({ name }) => name === wanted.name);
  if (found === undefined) {
    const names = listed.map(({ name }) => name).join(', ');
    fail(`${where} ${wanted.name}: expected it, got ${names === '' ? 'none at all' : names}`);
  }
  const datatype = allowed.find((type) => type === found.datatype);
  if (datatype === undefined) {
    fail(`${where} ${wanted.name}: expected ${allowed.join(' or ')}, got ${found.datatype}`);
  }
  if (!isServed(wanted.shape, found.shape)) {
    const sides = found.shape.map((side) => (side < 0 ? '' : side));
    fail(`${where} ${wanted.name}: expected ${show(wanted.shape)}, got ${show(sides)}`);
  }
  return datatype;
}

/** A side that varies must be open there; a fixed one may be. */
function isServed(wanted: TensorManifest['shape'], found: readonly number[]): boolean {
  if (wanted.length !== found.length) return false;
  return wanted.every((side, i) => found[i]! < 0 || found[i] === side);
}

function fail(message: string): never {
  throw new SegmentationError('model-load-failed', message);
}
