import { DescribedGraph } from '../engine/described-graph.ts';
import type { Graph, Tensors } from '../engine/graph.ts';
import type { GraphPort } from '../engine/graph-port.ts';
import type { NativeGate } from './native-gate.ts';

/** Told when native code begins and ends to run in this thread. */
export type NativeGuard = { enter(): void; leave(): void };

/**
 * A guard that keeps the gate entered while any run is in native code: the runs of several jobs may
 * overlap, and the gate knows one visitor. It begins with one inside, as the gate does.
 */
export function nativeGuard(
  gate: Pick<NativeGate, 'enter' | 'leave'>,
  onStandstill: () => void,
): NativeGuard {
  let inside = 1;
  return {
    enter: () => {
      if (inside++ === 0) gate.enter();
    },
    leave: () => {
      if (--inside === 0) gate.leave(onStandstill);
    },
  };
}

/** A graph that runs in this thread, and says when. */
export class GuardedGraph extends DescribedGraph implements GraphPort {
  readonly #graph: Graph;
  readonly #guard: NativeGuard;

  constructor(graph: Graph, guard: NativeGuard) {
    super(graph.manifest);
    this.#graph = graph;
    this.#guard = guard;
  }

  get checksOutputs(): boolean {
    return this.#graph.checksOutputs;
  }

  set checksOutputs(checks: boolean) {
    this.#graph.checksOutputs = checks;
  }

  nodePlaces(): ReturnType<GraphPort['nodePlaces']> {
    return this.#graph.nodePlaces();
  }

  async run(feeds: Tensors): Promise<Tensors> {
    this.#guard.enter();
    try {
      return await this.#graph.run(feeds);
    } finally {
      this.#guard.leave();
    }
  }
}
