import { SegmentationError } from '../../../frame/errors.ts';
import type { GraphManifest, GraphRole, Manifest } from '../../manifest.ts';
import type { Tensors } from '../graph.ts';
import { fits, show } from '../tensor-shape.ts';
import {
  type CallBytes,
  type CallLimits,
  KserveClient,
  type ServerModel,
} from './kserve-client.ts';
import { type KserveSetup, serverModelName } from './kserve-options.ts';
import { agreeOnModel, type ModelContract } from './model-contract.ts';
import { type Datatype, fromRaw, toRaw } from './raw-tensor.ts';
import { BadAnswer } from './retry-rule.ts';

/** Longest that a server may take to say whether it is ready. */
const probeDeadlineMs = 2000;

/** A graph that a server runs. */
type Served = {
  readonly role: GraphRole;
  readonly graph: GraphManifest;
  readonly model: ServerModel;
};

/** One inference server: what it says of the models, and runs of them. */
export class Endpoint {
  readonly address: string;
  readonly #client: KserveClient;
  readonly #served: readonly Served[];
  readonly #pixels: readonly string[];
  #contracts: ReadonlyMap<GraphRole, ModelContract> = new Map();

  constructor(address: string, manifest: Manifest, options: KserveSetup) {
    this.address = address;
    this.#client = new KserveClient(address, options);
    this.#pixels = takesPixels(manifest) ? ['image'] : [];
    this.#served = options.roles.map((role) => {
      const graph = manifest.graphs[role];
      if (graph === undefined) throw failed(`${manifest.name} has no ${role} to run on a server`);
      const asked = options.models[role] ?? { name: null, version: null };
      const name = serverModelName(asked, role, manifest);
      return { role, graph, model: { name, version: asked.version ?? '' } };
    });
  }

  /**
   * Asks whether the server and its models are ready, and whether the models are those of the
   * manifest. Throws `model-load-failed` where they are others, any other error where it does not say.
   */
  async probe(): Promise<void> {
    const limits = { deadlineMs: probeDeadlineMs };
    if (!(await this.#client.serverReady(limits))) throw new Error(`${this.address}: not ready`);
    const contracts = new Map<GraphRole, ModelContract>();
    for (const { role, graph, model } of this.#served) {
      if (!(await this.#client.modelReady(model, limits))) {
        throw new Error(`${this.address}: model ${model.name} is not ready`);
      }
      const metadata = await this.#client.modelMetadata(model, limits);
      const where = `${model.name} at ${this.address}`;
      const pixels = role === 'encoder' ? this.#pixels : [];
      contracts.set(role, agreeOnModel(where, graph, { metadata, pixels }));
    }
    this.#contracts = contracts;
  }

  /**
   * Runs a graph once; its outputs by meaning. `bytes` is filled on the way. Throws `CallFailure`,
   * {@link BadAnswer}.
   */
  async run(
    role: GraphRole,
    feeds: Tensors,
    { bytes, ...limits }: CallLimits & { readonly bytes: CallBytes },
  ): Promise<Tensors> {
    const { graph, model } = this.#served.find((served) => served.role === role)!;
    const contract = this.#contracts.get(role)!;
    const inputs = Object.entries(feeds).map(([meaning, tensor]) => {
      const { name } = graph.inputs[meaning]!;
      return { name, tensor, datatype: contract.inputs.get(name)! };
    });
    const response = await this.#client.infer(
      {
        modelName: model.name,
        modelVersion: model.version,
        id: '',
        inputs: inputs.map(({ name, tensor, datatype }) => {
          return { name, datatype, shape: [...tensor.dims] };
        }),
        outputs: [...contract.outputs.keys()].map((name) => ({ name })),
        rawInputContents: inputs.map(({ tensor, datatype }) => toRaw(tensor, datatype)),
      },
      limits,
      bytes,
    );
    const outputs: Tensors = {};
    for (const [meaning, wanted] of Object.entries(graph.outputs)) {
      const { name, shape, type } = wanted;
      const datatype = contract.outputs.get(name);
      if (datatype === undefined || meaning.startsWith('unused')) continue;
      const at = response.outputs.findIndex((output) => output.name === name);
      const found = response.outputs[at];
      const raw = response.rawOutputContents[at];
      const came =
        found === undefined || raw === undefined
          ? 'nothing'
          : `${found.datatype} ${show(found.shape)}`;
      const where = `${model.name} at ${this.address}: output ${name}`;
      if (found?.datatype !== datatype || raw === undefined || !fits(shape, found.shape)) {
        throw new BadAnswer(`${where}: expected ${datatype} ${show(shape)}, got ${came}`);
      }
      outputs[meaning] = read(where, raw, { datatype, dims: found.shape, type });
    }
    return outputs;
  }

  /** Ends the connections. */
  close(): void {
    this.#client.close();
  }
}

function read(
  where: string,
  bytes: Uint8Array,
  form: { datatype: Datatype; dims: number[]; type: GraphManifest['outputs'][string]['type'] },
): Tensors[string] {
  try {
    return fromRaw(bytes, form);
  } catch (cause) {
    throw new BadAnswer(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** Whether the encoder's input is 0..255 as it is: then a server may take it as bytes. */
function takesPixels({ preprocess }: Manifest): boolean {
  return preprocess.range === '0-255' && preprocess.mean === null && preprocess.std === null;
}

function failed(message: string): SegmentationError {
  return new SegmentationError('model-load-failed', message);
}
