import { setImmediate as turn } from 'node:timers/promises';
import type { Thread } from '../capacity/thread.ts';
import { Timeline } from '../capacity/timeline.ts';

/**
 * Simulated time in which real code runs: real work takes none of it, and what it stands for is spent
 * on a simulated thread. The clock waits for work whose time is over and that is not done yet, so the
 * order of things does not depend on how busy the machine is.
 */
export class SimulatedTime {
  readonly timeline = new Timeline();
  #due: Promise<unknown>[] = [];

  /**
   * Does work at once, whose result comes when `thread` has spent so many core milliseconds on it.
   *
   * @param isUrgent goes before what is not on that thread. Default: false
   */
  spend<T>(thread: Thread, coreMs: number, work: () => Promise<T>, isUrgent = false): Promise<T> {
    const real = work();
    return new Promise((resolve, reject) => {
      // Else a failure counts as unhandled until its time has come.
      real.catch(() => undefined);
      thread.run(coreMs, () => this.#due.push(real.then(resolve, reject)), isUrgent);
    });
  }

  /** Resolves after so many simulated milliseconds. */
  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.timeline.after(ms, resolve));
  }

  /** Runs everything up to that time. */
  async runUntil(endMs: number): Promise<void> {
    await turn();
    while (this.timeline.step(endMs)) {
      if (this.#due.length > 0) await Promise.all(this.#due.splice(0));
      // Promises that this settled, and what they settle, before the clock goes on.
      await turn();
    }
  }
}
