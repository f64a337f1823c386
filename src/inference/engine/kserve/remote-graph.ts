import type { GraphManifest, GraphRole } from '../../manifest.ts';
import { DescribedGraph } from '../described-graph.ts';
import type { GraphPort } from '../graph-port.ts';
import type { Tensors } from '../graph.ts';
import { jobContext } from './job-context.ts';
import type { RunOptions, ServerList } from './server-list.ts';

/** A graph that inference servers run. */
export class RemoteGraph extends DescribedGraph implements GraphPort {
  // Every answer is checked, whatever is asked.
  checksOutputs = true;
  readonly #role: GraphRole;
  readonly #servers: ServerList;

  constructor(role: GraphRole, manifest: GraphManifest, servers: ServerList) {
    super(manifest);
    this.#role = role;
    this.#servers = servers;
  }

  /** Only the server knows. */
  async nodePlaces(): Promise<null> {
    return null;
  }

  /** Throws as `ServerList.run`, whose `waits` it takes; the job's signal gives the call up. */
  async run(feeds: Tensors, { waits = true }: Pick<RunOptions, 'waits'> = {}): Promise<Tensors> {
    for (const meaning of Object.keys(feeds)) {
      if (!this.hasInput(meaning)) throw new Error(`the ${this.#role} has no input "${meaning}"`);
    }
    const signal = jobContext.getStore()?.signal;
    return await this.#servers.run(this.#role, feeds, { signal, waits });
  }
}
