import type { GraphManifest, GraphRole, TensorManifest } from '../../manifest.ts';
import type { GraphPort } from '../graph-port.ts';
import type { Tensors } from '../graph.ts';
import { jobSignal } from './job-signal.ts';
import type { ServerList } from './server-list.ts';

/** A graph that inference servers run. */
export class RemoteGraph implements GraphPort {
  // Every answer is checked, whatever is asked.
  checksOutputs = true;
  readonly #role: GraphRole;
  readonly #manifest: GraphManifest;
  readonly #servers: ServerList;

  constructor(role: GraphRole, manifest: GraphManifest, servers: ServerList) {
    this.#role = role;
    this.#manifest = manifest;
    this.#servers = servers;
  }

  /** Only the server knows. */
  async nodePlaces(): Promise<null> {
    return null;
  }

  hasInput(meaning: string): boolean {
    return meaning in this.#manifest.inputs;
  }

  inputOf(meaning: string): TensorManifest | undefined {
    return this.#manifest.inputs[meaning];
  }

  outputOf(meaning: string): TensorManifest | undefined {
    return this.#manifest.outputs[meaning];
  }

  /** Throws as `ServerList.run`; the job's signal gives the call up. */
  async run(feeds: Tensors): Promise<Tensors> {
    for (const meaning of Object.keys(feeds)) {
      if (!this.hasInput(meaning)) throw new Error(`the ${this.#role} has no input "${meaning}"`);
    }
    return await this.#servers.run(this.#role, feeds, jobSignal.getStore());
  }
}
