import type { Timeline } from './timeline.ts';

/** What an inference server's keyframe costs. */
export type PoolCosts = {
  /** From the replica to the server and back, without the run. */
  readonly networkMs: number;
  /** A run takes `runMs` and `perItemMs` for each keyframe in its batch. */
  readonly runMs: number;
  readonly perItemMs: number;
  /** Most keyframes in a batch, of those that wait when a run begins (a dynamic batcher without delay). */
  readonly maxBatch: number;
  /** A call to a server that is gone fails after so long and is made again elsewhere. */
  readonly failoverMs: number;
};

type Call = () => void;

/** Inference servers that keyframes of all replicas share; a call goes to the one with the fewest. */
export class InferencePool {
  readonly #timeline: Timeline;
  readonly #costs: PoolCosts;
  readonly #servers: InferenceServer[];

  constructor(timeline: Timeline, servers: number, costs: PoolCosts) {
    this.#timeline = timeline;
    this.#costs = costs;
    this.#servers = Array.from({ length: servers }, () => new InferenceServer(timeline, costs));
  }

  /** Milliseconds of runs of all servers. */
  get busyMs(): number {
    return this.#servers.reduce((sum, { busyMs }) => sum + busyMs, 0);
  }

  /** Makes one keyframe; calls `done` when the answer is back. */
  infer(done: () => void): void {
    this.#timeline.after(this.#costs.networkMs / 2, () => this.#send(done));
  }

  /** A server is lost with all calls that it has; they are made again. */
  lose(): void {
    const lost = this.#servers.pop();
    for (const call of lost?.end() ?? []) {
      this.#timeline.after(this.#costs.failoverMs, () => this.#send(call));
    }
  }

  #send(done: Call): void {
    if (this.#servers.length === 0) return;
    const idlest = this.#servers.reduce((a, b) => (b.calls < a.calls ? b : a));
    idlest.take(() => this.#timeline.after(this.#costs.networkMs / 2, done));
  }
}

class InferenceServer {
  readonly #timeline: Timeline;
  readonly #costs: PoolCosts;
  #waiting: Call[] = [];
  #running: Call[] = [];
  #isOpen = true;
  busyMs = 0;

  constructor(timeline: Timeline, costs: PoolCosts) {
    this.#timeline = timeline;
    this.#costs = costs;
  }

  get calls(): number {
    return this.#waiting.length + this.#running.length;
  }

  take(call: Call): void {
    this.#waiting.push(call);
    if (this.#running.length === 0) this.#run();
  }

  /** The calls that are lost. */
  end(): Call[] {
    this.#isOpen = false;
    return [...this.#running.splice(0), ...this.#waiting.splice(0)];
  }

  #run(): void {
    const { runMs, perItemMs, maxBatch } = this.#costs;
    this.#running = this.#waiting.splice(0, maxBatch);
    if (this.#running.length === 0) return;
    const ms = runMs + perItemMs * this.#running.length;
    this.#timeline.after(ms, () => {
      if (!this.#isOpen) return;
      this.busyMs += ms;
      const over = this.#running;
      this.#running = [];
      this.#run();
      for (const call of over) call();
    });
  }
}
