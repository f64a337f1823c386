import type { Timeline } from './timeline.ts';

/** A thread as the scheduler knows it. */
export type Schedulable = {
  /** Share of the processor beside others; Linux: 1024 at niceness 0, a fifth less for each more. */
  readonly weight: number;
  /** Threads that work on one job at once. */
  readonly cap: number;
};

/** One thread's part of a job. */
type Task = {
  readonly share: Schedulable;
  /** Core milliseconds that are left. */
  remaining: number;
  /** Virtual time: core milliseconds had, over weight. */
  virtual: number;
  /** When it was put on its core; null: it waits. */
  beganMs: number | null;
  readonly done: () => void;
};

/** What a core does, and since when it has ticked. */
type Core = { task: Task | null; readonly phaseMs: number };

/** Less work than a core does in a nanosecond is none. */
const nothing = 1e-6;

/** Linux with CONFIG_HZ=250, as most distributions have it: a thread gives way at a tick. */
const tickMs = 4;

/** Linux's base slice on two cores (0.7 ms, times 1 + log2 of the cores): it runs for so long at least. */
const sliceMs = 1.4;

/**
 * The cores of one machine under Linux's fair scheduler: of the threads that wait, the one that has had
 * the least for its weight is next (earliest eligible virtual deadline first, Stoica and Abdel-Wahab
 * 1995, with equal slices). A thread that wakes has an idle core at once, or that of one which has had its slice
 * and is ahead of it; else it waits for a tick, or until somebody sleeps. Pieces of work of tenths of a
 * millisecond, as a frame's way through the main thread is made of, wait for this most: sharing the
 * processor evenly at every moment would not show it.
 */
export class Processor {
  readonly #timeline: Timeline;
  readonly #cores: Core[];
  /** Virtual times of threads, between their jobs. */
  readonly #virtual = new WeakMap<Schedulable, number>();
  #waiting: Task[] = [];
  #settledMs = 0;
  #version = 0;
  #busyMs = 0;
  /** No thread falls behind this by sleeping. */
  #least = 0;
  #willPlan = false;

  constructor(timeline: Timeline, cores: number) {
    this.#timeline = timeline;
    this.#cores = Array.from({ length: Math.max(1, Math.round(cores)) }, (_, k) => ({
      task: null,
      phaseMs: (k * tickMs) / cores,
    }));
  }

  /** Core milliseconds of work done so far. */
  get busyMs(): number {
    this.#settle();
    return this.#busyMs;
  }

  /**
   * Begins work of so many core milliseconds; calls `done` when it is over.
   *
   * @param share the thread, always the same object
   */
  begin(work: number, share: Schedulable, done: () => void): void {
    this.#settle();
    const threads = Math.max(1, Math.round(share.cap));
    let left = threads;
    const one = (): void => {
      if (--left === 0) done();
    };
    const virtual = Math.max(this.#virtual.get(share) ?? 0, this.#least);
    for (let i = 0; i < threads; i++) {
      this.#wake({ share, remaining: work / threads, virtual, beganMs: null, done: one });
    }
    this.#planSoon();
  }

  /** Forgets all work; nothing of it is over. */
  clear(): void {
    this.#settle();
    for (const core of this.#cores) core.task = null;
    this.#waiting = [];
    this.#version++;
  }

  #wake(task: Task): void {
    const { nowMs } = this.#timeline;
    const core =
      this.#cores.find((one) => one.task === null) ??
      this.#cores.find(({ task: other }) => {
        if (other === null || other.beganMs === null) return true;
        return nowMs - other.beganMs >= sliceMs && other.virtual > task.virtual;
      });
    if (core === undefined) {
      this.#waiting.push(task);
      return;
    }
    if (core.task !== null) this.#stop(core);
    this.#start(core, task);
  }

  #start(core: Core, task: Task): void {
    task.beganMs = this.#timeline.nowMs;
    core.task = task;
  }

  #stop(core: Core): void {
    if (core.task === null) return;
    core.task.beganMs = null;
    this.#waiting.push(core.task);
    core.task = null;
  }

  /** Brings what is left up to now. */
  #settle(): void {
    const { nowMs } = this.#timeline;
    const elapsedMs = nowMs - this.#settledMs;
    this.#settledMs = nowMs;
    if (elapsedMs === 0) return;
    for (const { task } of this.#cores) {
      if (task === null) continue;
      const done = Math.min(task.remaining, elapsedMs);
      task.remaining -= done;
      task.virtual += done / task.share.weight;
      this.#busyMs += done;
    }
  }

  /** Much begins and ends at one moment: what comes next is found once, when all of it is known. */
  #planSoon(): void {
    if (this.#willPlan) return;
    this.#willPlan = true;
    this.#timeline.soon(() => {
      this.#willPlan = false;
      this.#plan();
    });
  }

  /** Fills idle cores and waits for the first task that is over, or has to give way. */
  #plan(): void {
    for (const core of this.#cores) if (core.task === null) this.#startNext(core);
    const { nowMs } = this.#timeline;
    let nextMs = Number.POSITIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    for (const { task, phaseMs } of this.#cores) {
      if (task === null) continue;
      nextMs = Math.min(nextMs, nowMs + task.remaining);
      least = Math.min(least, task.virtual);
      if (this.#waiting.length > 0) nextMs = Math.min(nextMs, nextTick(task, phaseMs, nowMs));
    }
    for (const { virtual } of this.#waiting) least = Math.min(least, virtual);
    if (Number.isFinite(least)) this.#least = Math.max(this.#least, least);
    const version = ++this.#version;
    if (!Number.isFinite(nextMs)) return;
    this.#timeline.after(nextMs - nowMs, () => {
      if (version === this.#version) this.#turn();
    });
  }

  /** Of those that wait, the one that has had least. */
  #startNext(core: Core): void {
    let first = -1;
    for (const [i, { virtual }] of this.#waiting.entries()) {
      if (first < 0 || virtual < this.#waiting[first]!.virtual) first = i;
    }
    if (first < 0) return;
    const [task] = this.#waiting.splice(first, 1);
    if (task !== undefined) this.#start(core, task);
  }

  #turn(): void {
    this.#settle();
    const { nowMs } = this.#timeline;
    const over: Task[] = [];
    for (const core of this.#cores) {
      const { task, phaseMs } = core;
      if (task === null) continue;
      if (task.remaining <= nothing) {
        over.push(task);
        core.task = null;
        this.#virtual.set(task.share, task.virtual);
      } else if (this.#waiting.length > 0 && nextTick(task, phaseMs, nowMs) <= nowMs) {
        this.#giveWay(core, task);
      }
    }
    this.#planSoon();
    for (const { done } of over) done();
  }

  /** At a tick: to the one that has had least, if that is another. */
  #giveWay(core: Core, task: Task): void {
    const isAhead = this.#waiting.some(({ virtual }) => virtual < task.virtual);
    if (isAhead) {
      this.#stop(core);
      this.#startNext(core);
    } else {
      task.beganMs = this.#timeline.nowMs;
    }
  }
}

/** The first tick from now on at which a task has had its slice. */
function nextTick(task: Task, phaseMs: number, nowMs: number): number {
  const fromMs = Math.max(nowMs, (task.beganMs ?? nowMs) + sliceMs);
  return Math.ceil((fromMs - phaseMs) / tickMs - 1e-9) * tickMs + phaseMs;
}
