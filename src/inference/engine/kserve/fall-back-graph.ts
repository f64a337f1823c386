import { SegmentationError } from '../../../frame/errors.ts';
import { DescribedGraph } from '../described-graph.ts';
import type { GraphPort } from '../graph-port.ts';
import type { Tensors } from '../graph.ts';
import { jobContext } from './job-context.ts';
import type { RemoteGraph } from './remote-graph.ts';

/** A graph on inference servers that runs here while none answers, for jobs that may. */
export class FallBackGraph extends DescribedGraph implements GraphPort {
  readonly #remote: RemoteGraph;
  readonly #local: GraphPort;

  /** The two have the same manifest: what one began, the other may go on with. */
  constructor(remote: RemoteGraph, local: GraphPort) {
    super(remote.manifest);
    this.#remote = remote;
    this.#local = local;
  }

  get checksOutputs(): boolean {
    return this.#local.checksOutputs;
  }

  set checksOutputs(checks: boolean) {
    this.#local.checksOutputs = checks;
  }

  nodePlaces(): ReturnType<GraphPort['nodePlaces']> {
    return this.#local.nodePlaces();
  }

  async run(feeds: Tensors): Promise<Tensors> {
    const mayFallBack = jobContext.getStore()?.mayFallBack ?? false;
    try {
      return await this.#remote.run(feeds, { waits: !mayFallBack });
    } catch (reason) {
      const isAway = SegmentationError.from(reason).code === 'inference-unavailable';
      if (!isAway || !mayFallBack) throw reason;
      return await this.#local.run(feeds);
    }
  }
}
