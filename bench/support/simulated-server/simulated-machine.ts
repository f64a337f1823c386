import type { StreamCosts } from '../capacity/costs.ts';
import { Replica } from '../capacity/replica.ts';
import type { Thread } from '../capacity/thread.ts';
import { SimulatedTime } from './simulated-time.ts';

/** A machine with one server whose work takes simulated time. */
export class SimulatedMachine {
  readonly time = new SimulatedTime();
  readonly costs: StreamCosts;
  readonly replica: Replica;
  readonly #vary: () => number;

  /**
   * @param costs of one camera
   * @param vary factor of mean 1 for the next piece of work
   */
  constructor(cores: number, costs: StreamCosts, vary: () => number) {
    const { keyframeCores: modelCores, mainMsPerSecond, wakeMs } = costs;
    const options = { cores, modelCores, mainMsPerSecond, wakeMs, pool: null };
    this.costs = costs;
    this.#vary = vary;
    this.replica = new Replica(this.time.timeline, options);
  }

  /** Monotonic milliseconds. */
  readonly nowMs = (): number => this.time.timeline.nowMs;

  /** Spends so many core milliseconds on a thread. */
  async spend(thread: Thread, ms: number): Promise<void> {
    await this.time.spend(thread, this.#varied(ms), () => Promise.resolve());
  }

  /**
   * Calls a worker, whose answer goes through the main thread.
   *
   * @param isUrgent goes before what is not. Default: false
   */
  async call<T>(thread: Thread, ms: number, work: () => Promise<T>, isUrgent = false): Promise<T> {
    const result = await this.time.spend(thread, this.#varied(ms), work, isUrgent);
    await this.spend(this.replica.main, 0);
    return result;
  }

  #varied(ms: number): number {
    return ms === 0 ? 0 : ms * this.#vary();
  }
}
