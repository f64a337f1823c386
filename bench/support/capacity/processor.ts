import type { Timeline } from './timeline.ts';

/** Work on a processor. */
type Task = {
  /** Core milliseconds that are left. */
  remaining: number;
  /** Share of the processor beside others; Linux: 1024 at niceness 0, a fifth less for each more. */
  readonly weight: number;
  /** Most cores that it can use at once. */
  readonly cap: number;
  /** Cores that it has now. */
  rate: number;
  readonly done: () => void;
};

/** Less work than a core does in a nanosecond is none. */
const nothing = 1e-6;

/**
 * The cores of one machine under processor sharing with weights, which is what Linux's fair scheduler
 * does over more than a few milliseconds: each task gets cores by its weight, at most its cap, and what
 * one cannot use goes to the others (water-filling).
 */
export class Processor {
  readonly #timeline: Timeline;
  readonly #cores: number;
  #tasks: Task[] = [];
  #settledMs = 0;
  #version = 0;
  #busyMs = 0;

  constructor(timeline: Timeline, cores: number) {
    this.#timeline = timeline;
    this.#cores = cores;
  }

  /** Core milliseconds of work done so far. */
  get busyMs(): number {
    this.#settle();
    return this.#busyMs;
  }

  /** Begins work of so many core milliseconds; calls `done` when it is over. */
  begin(
    work: number,
    { weight, cap }: { readonly weight: number; readonly cap: number },
    done: () => void,
  ): void {
    this.#settle();
    this.#tasks.push({ remaining: work, weight, cap, rate: 0, done });
    this.#share();
  }

  /** Forgets all work; nothing of it is over. */
  clear(): void {
    this.#settle();
    this.#tasks = [];
    this.#version++;
  }

  /** Brings what is left up to now. */
  #settle(): void {
    const { nowMs } = this.#timeline;
    const elapsedMs = nowMs - this.#settledMs;
    this.#settledMs = nowMs;
    if (elapsedMs === 0) return;
    for (const task of this.#tasks) {
      const done = Math.min(task.remaining, task.rate * elapsedMs);
      task.remaining -= done;
      this.#busyMs += done;
    }
  }

  /** Shares the cores anew and waits for the first task to end. */
  #share(): void {
    let cores = this.#cores;
    let weights = this.#tasks.reduce((sum, { weight }) => sum + weight, 0);
    // Those that reach their cap first leave the most to the others.
    const byNeed = this.#tasks.toSorted((a, b) => a.cap / a.weight - b.cap / b.weight);
    for (const task of byNeed) {
      task.rate = Math.min(task.cap, (cores * task.weight) / weights);
      cores -= task.rate;
      weights -= task.weight;
    }
    const version = ++this.#version;
    const firstMs = Math.min(...this.#tasks.map(({ remaining, rate }) => remaining / rate));
    if (!Number.isFinite(firstMs)) return;
    this.#timeline.after(firstMs, () => {
      if (version === this.#version) this.#end();
    });
  }

  #end(): void {
    this.#settle();
    const over = this.#tasks.filter(({ remaining }) => remaining <= nothing);
    this.#tasks = this.#tasks.filter(({ remaining }) => remaining > nothing);
    this.#share();
    for (const { done } of over) done();
  }
}
