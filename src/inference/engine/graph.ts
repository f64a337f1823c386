import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { areFinite, inType } from './float-tensors.ts';
import { NodeProfile, type NodePlaces } from './node-places.ts';
import {
  type InferenceSession,
  onnxruntime,
  type Tensor,
  withoutBlockedLayout,
} from './onnxruntime.ts';
import { SegmentationError } from '../../frame/errors.ts';
import { DescribedGraph } from './described-graph.ts';
import { deviceName, executionProviders, type Device } from './device.ts';
import type { GraphManifest, GraphRole, StoredFile, TensorManifest } from '../manifest.ts';

/** Options of {@link Graph.open}. */
export type GraphOptions = {
  readonly directory: string;
  readonly role: GraphRole;
  /** A device that was found to be there. */
  readonly device: Device;
  readonly threads: number;
  /** Whether it is counted where operators run; see {@link Graph.nodePlaces}. Default: false. */
  readonly profiles?: boolean;
};

/** Tensors by their meaning in the manifest. */
export type Tensors = Record<string, Tensor>;

/** One opened graph file, addressed by meaning. Blocks its thread while it runs. */
export class Graph extends DescribedGraph {
  /** Whether a run fails where an output has something that is no number: while a model is tested. */
  checksOutputs = false;
  readonly #session: InferenceSession;
  readonly #role: GraphRole;
  readonly #profile: NodeProfile | null;

  private constructor(
    session: InferenceSession,
    manifest: GraphManifest,
    { role, profile }: { readonly role: GraphRole; readonly profile: NodeProfile | null },
  ) {
    super(manifest);
    this.#session = session;
    this.#profile = profile;
    this.#role = role;
  }

  /**
   * Checks the file's size and hash, opens it, and checks every tensor name, type and shape both
   * ways. Throws `model-load-failed` or `provider-unavailable`.
   */
  static async open(manifest: GraphManifest, options: GraphOptions): Promise<Graph> {
    const bytes = await readStoredFile(manifest, options.directory);
    const externalData = [];
    for (const stored of manifest.externalData) {
      // As the graph names it: beside itself.
      const path = basename(stored.file);
      externalData.push({ path, data: await readStoredFile(stored, options.directory) });
    }
    const profile = options.profiles ? await NodeProfile.open() : null;
    const { file, precision } = manifest;
    const session = await createSession(bytes, {
      ...options,
      file,
      precision,
      externalData,
      profile,
    });
    checkTensors(`${manifest.file} input`, manifest.inputs, session.inputMetadata);
    checkTensors(`${manifest.file} output`, manifest.outputs, session.outputMetadata);
    return new Graph(session, manifest, { role: options.role, profile });
  }

  /** Where the operators of all runs so far ran; null without a run, or a profile. Only once. */
  async nodePlaces(): Promise<NodePlaces | null> {
    return (await this.#profile?.read(this.#session)) ?? null;
  }

  /**
   * Runs the graph once; every output that somebody reads comes back under its meaning. Floating point
   * goes in as the graph takes it and comes out as it gives it, float32 or float16.
   */
  async run(feeds: Tensors): Promise<Tensors> {
    const named: Tensors = {};
    for (const [meaning, tensor] of Object.entries(feeds)) {
      const { name, type } = this.#input(meaning);
      named[name] = inType(tensor, type);
    }
    const read = Object.entries(this.manifest.outputs).filter(
      ([meaning]) => !meaning.startsWith('unused'),
    );
    const results = await this.#session.run(
      named,
      read.map(([, { name }]) => name),
    );
    const outputs: Tensors = {};
    for (const [meaning, { name, shape }] of read) {
      const tensor = results[name];
      if (tensor === undefined || !fits(shape, tensor.dims)) {
        const came = tensor === undefined ? 'nothing' : show(tensor.dims);
        throw new Error(`${this.manifest.file}: expected ${name} ${show(shape)}, got ${came}`);
      }
      if (this.checksOutputs && !areFinite(tensor)) {
        throw new Error(
          `${this.#role} (${this.manifest.file}): expected numbers in its output ${name}, got some ` +
            `that are none; what overflows in float16 (65,504) needs fp32 or bf16`,
        );
      }
      outputs[meaning] = tensor;
    }
    return outputs;
  }

  #input(meaning: string): TensorManifest {
    const input = this.manifest.inputs[meaning];
    if (input === undefined) throw new Error(`${this.manifest.file} has no input "${meaning}"`);
    return input;
  }
}

/** The bytes of a file of a model's folder. Throws `model-load-failed` where they are not those. */
export async function readStoredFile(manifest: StoredFile, directory: string): Promise<Buffer> {
  const path = join(directory, manifest.file);
  let bytes;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new SegmentationError('model-load-failed', `cannot read ${path}`, { cause });
  }
  if (bytes.byteLength !== manifest.bytes) {
    throw new SegmentationError(
      'model-load-failed',
      `${path}: expected ${manifest.bytes} bytes, got ${bytes.byteLength}`,
    );
  }
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (hash !== manifest.sha256) {
    throw new SegmentationError(
      'model-load-failed',
      `${path}: expected SHA-256 ${manifest.sha256}, got ${hash}`,
    );
  }
  return bytes;
}

async function createSession(
  bytes: Buffer,
  options: GraphOptions & {
    readonly file: string;
    readonly precision: GraphManifest['precision'];
    readonly externalData: readonly { readonly path: string; readonly data: Buffer }[];
    readonly profile: NodeProfile | null;
  },
): Promise<InferenceSession> {
  const { file, externalData } = options;
  try {
    return await onnxruntime().InferenceSession.create(bytes, {
      executionProviders: executionProviders(options.device),
      // The default of 0 pins threads and was seen to take 44 or 141 ms for the same run.
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // A plan of all tensors in one block for each set of input shapes, which a card's arena keeps
      // beside what came before: 0.3 GB of SAM 3's encoder (docs/gpu.md).
      ...(options.device.provider === 'cpu' ? {} : { enableMemPattern: false }),
      logSeverityLevel: 3,
      ...(externalData.length > 0 ? { externalData } : {}),
      ...options.profile?.options,
      // Spinning threads burn a quarter more CPU between runs and save no time.
      extra: {
        session: { intra_op: { allow_spinning: '0' } },
        ...(options.precision === 'fp16' ? withoutBlockedLayout : {}),
      },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (options.device.provider !== 'cpu') {
      throw new SegmentationError(
        'provider-unavailable',
        `provider ${deviceName(options.device)} cannot open ${file}: ${reason}`,
        { cause },
      );
    }
    throw new SegmentationError('model-load-failed', `cannot open ${file}: ${reason}`, { cause });
  }
}

function checkTensors(
  where: string,
  expected: GraphManifest['inputs'],
  found: readonly InferenceSession.ValueMetadata[],
): void {
  const listed = new Map(Object.values(expected).map((tensor) => [tensor.name, tensor]));
  for (const tensor of found) {
    const wanted = listed.get(tensor.name);
    if (wanted === undefined) fail(`${where} ${tensor.name} is not in the manifest`);
    listed.delete(tensor.name);
    if (!tensor.isTensor) fail(`${where} ${tensor.name} is not a tensor`);
    if (tensor.type !== wanted.type) {
      fail(`${where} ${tensor.name}: expected ${wanted.type}, got ${tensor.type}`);
    }
    if (!agrees(wanted.shape, tensor.shape)) {
      fail(`${where} ${tensor.name}: expected ${show(wanted.shape)}, got ${show(tensor.shape)}`);
    }
  }
  for (const name of listed.keys()) fail(`${where} ${name} is not in the graph`);
}

/**
 * A named dimension must be open in the graph. A number may be open in the graph (exporters lose
 * sizes on the way); each run checks it.
 */
function agrees(wanted: TensorManifest['shape'], found: readonly (number | string)[]): boolean {
  if (wanted.length !== found.length) return false;
  return wanted.every((side, i) => typeof found[i] === 'string' || found[i] === side);
}

function fits(wanted: TensorManifest['shape'], found: readonly number[]): boolean {
  if (wanted.length !== found.length) return false;
  return wanted.every((side, i) => typeof side === 'string' || found[i] === side);
}

function show(shape: readonly (number | string)[]): string {
  return `[${shape.map((side) => (side === '' ? '?' : side)).join(',')}]`;
}

function fail(message: string): never {
  throw new SegmentationError('model-load-failed', message);
}
