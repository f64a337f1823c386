import type { Processor, Schedulable } from './processor.ts';

type Job = { readonly work: number; readonly isUrgent: boolean; readonly done: () => void };

/** A thread, or a worker with several: does one job after the other on its machine. */
export class Thread {
  readonly #processor: Processor;
  readonly #share: Schedulable;
  readonly #wakeMs: number;
  readonly #waiting: Job[] = [];
  #isBusy = false;

  /**
   * @param share `weight` and `cap` as in {@link Processor}
   * @param wakeMs core milliseconds that it takes to begin after it has had nothing to do: a thread that
   *   is busy takes the next job in passing. Default: 0
   */
  constructor(processor: Processor, share: Schedulable, wakeMs = 0) {
    this.#processor = processor;
    // The scheduler knows threads by these.
    this.#share = { ...share };
    this.#wakeMs = wakeMs;
  }

  /**
   * Does so many core milliseconds of work when its turn comes, then calls `done`.
   *
   * @param isUrgent goes before what is not. Default: false
   */
  run(work: number, done: () => void, isUrgent = false): void {
    const job = { work, isUrgent, done };
    const at = isUrgent ? this.#waiting.findIndex((other) => !other.isUrgent) : -1;
    if (at < 0) this.#waiting.push(job);
    else this.#waiting.splice(at, 0, job);
    if (!this.#isBusy) this.#next(this.#wakeMs);
  }

  #next(wakeMs = 0): void {
    const job = this.#waiting.shift();
    this.#isBusy = job !== undefined;
    if (job === undefined) return;
    this.#processor.begin(job.work + wakeMs, this.#share, () => {
      this.#next();
      job.done();
    });
  }
}
