import type { Processor } from './processor.ts';

type Job = { readonly work: number; readonly done: () => void };

/** A thread, or a worker with several: does one job after the other on its machine. */
export class Thread {
  readonly #processor: Processor;
  readonly #share: { readonly weight: number; readonly cap: number };
  readonly #waiting: Job[] = [];
  #isBusy = false;

  /** @param share `weight` and `cap` as in {@link Processor} */
  constructor(processor: Processor, share: { readonly weight: number; readonly cap: number }) {
    this.#processor = processor;
    this.#share = share;
  }

  /** Does so many core milliseconds of work when its turn comes, then calls `done`. */
  run(work: number, done: () => void): void {
    this.#waiting.push({ work, done });
    if (!this.#isBusy) this.#next();
  }

  #next(): void {
    const job = this.#waiting.shift();
    this.#isBusy = job !== undefined;
    if (job === undefined) return;
    this.#processor.begin(job.work, this.#share, () => {
      this.#next();
      job.done();
    });
  }
}
