import { SegmentationError } from '../../frame/errors.ts';
import { FairTurns } from '../../frame/fair-turns.ts';
import { cancelled, closedError, died, failed } from './failures.ts';
import { settlesWithin } from './settles-within.ts';
import { WorkerThread } from './thread.ts';
import type { ServerCall, ServerState } from '../engine/kserve/server-call.ts';
import type { FromWorker, WorkerJob, WorkerResults, WorkerSetup } from './messages.ts';

/** One call waiting for or using a worker queue's thread. */
export type QueuedJob = {
  /** Makes the message when its turn comes: a restarted worker needs more than a running one. */
  readonly build: (workerGeneration: number) => WorkerJob;
  /** Goes before jobs that are not: a decode ends a keyframe, an encode starts one. */
  readonly urgent: boolean;
  /** Whose it is: owners take turns, by the time that each has had. */
  readonly owner: string;
  /** See `JobContext`. Default: false. */
  readonly mayFallBack?: boolean;
  readonly signal: AbortSignal;
  /** Called once when the queue is done with the job, also after an abort: its inputs may go. */
  readonly onSettled: (outcome: 'delivered' | 'dropped') => void;
};

type Pending = QueuedJob & {
  readonly id: number;
  readonly resolve: (result: WorkerResults[WorkerJob['kind']]) => void;
  readonly reject: (reason: SegmentationError) => void;
  readonly onAbort: () => void;
  deaths: number;
  aborted: boolean;
  beganMs: number;
  watchdog?: NodeJS.Timeout;
};

type State =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'starting'; readonly worker: WorkerThread }
  | { readonly kind: 'ready'; readonly worker: WorkerThread }
  | { readonly kind: 'closed' };

/** Makes a worker queue's thread hang on its next job; tests only, as {@link killWorker}. */
export const freezeWorker = Symbol('freeze worker');

/** Ends a worker queue's thread as a crash would; tests only, so the folder's door does not export it. */
export const killWorker = Symbol('kill worker');

/** A job is given up when this many workers died under it. */
const deathsPerJob = 2;

/** Threads that hang and hold their memory; with more of them no further one is started. */
const maxHungThreads = 3;

/** A worker that is started again hangs when it takes so many times what the first one took. */
const startPatience = 5;

/** Pauses before a worker that could not be started again is tried once more. */
const firstRetryMs = 1000;
const longestRetryMs = 60_000;

/** What a {@link WorkerQueue} tells its owner. */
export type WorkerQueueEvents = {
  /** A worker that died or hung was replaced. */
  readonly onRestart: () => void;
  /** No worker can be started; `onRestart` comes when one could. */
  readonly onDown?: (cause: unknown) => void;
  /** No inference server answers any more, or one does again. */
  readonly onReach?: (reachable: boolean, reason: string) => void;
  /** A call of an inference server is over. */
  readonly onServerCall?: (call: ServerCall) => void;
};

/** Options of a {@link WorkerQueue}. */
export type WorkerQueueOptions = WorkerQueueEvents & {
  /** Time after which a job's worker counts as hung, in milliseconds. */
  readonly jobTimeoutMs: number;
  /** Jobs under way at a time: more than one where they wait for other machines. Default: 1. */
  readonly maxRunning?: number;
};

/**
 * One worker thread and the queue before it. Few jobs are under way at a time, one where all graphs run
 * there; a worker that dies is replaced and its jobs run again once, and so is one that does not answer
 * in time. Owners take turns; one's own jobs are first come, first served, so streams with one call each share its part evenly. The
 * queue's bound is the callers' own: one keyframe per stream.
 */
export class WorkerQueue {
  readonly #setup: WorkerSetup;
  readonly #options: WorkerQueueOptions;
  readonly #jobs: Pending[] = [];
  readonly #turns = new FairTurns<string>();
  /** By id, in the order in which they were sent. */
  readonly #running = new Map<number, Pending>();
  #nextJobId = 1;
  #state: State = { kind: 'stopped' };
  #generation = 0;
  #closing: Promise<void> | null = null;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = firstRetryMs;
  #hungThreads = 0;
  /** What the first start took; null before its end. */
  #firstStartMs: number | null = null;

  constructor(setup: WorkerSetup, options: WorkerQueueOptions) {
    this.#setup = setup;
    this.#options = options;
  }

  /** Threads that hang in native code, where nobody can end them. */
  get hungThreads(): number {
    return this.#hungThreads;
  }

  /** Jobs that wait for the worker, those under way left out. */
  get waiting(): number {
    return this.#jobs.length;
  }

  /** Jobs before a new one, those under way included. */
  get load(): number {
    return this.#jobs.length + this.#running.size;
  }

  /** Whether there is no worker, and none is being started. */
  get isDown(): boolean {
    return this.#state.kind === 'stopped' || this.#state.kind === 'closed';
  }

  /** Inference servers as the worker sees them; none while there is no worker. */
  get servers(): readonly ServerState[] {
    return 'worker' in this.#state ? this.#state.worker.servers : [];
  }

  /**
   * Starts the worker; resolves when its graphs are open. Throws why they are not. The first start may
   * take as long as it takes.
   */
  async start(): Promise<void> {
    const generation = ++this.#generation;
    const worker = new WorkerThread(this.#setup, {
      onAnswer: (answer) => this.#onAnswer(answer),
      onReach: (reachable, reason) => this.#options.onReach?.(reachable, reason),
      onServerCall: (call) => this.#options.onServerCall?.(call),
      onExit: (cause) => {
        if (generation === this.#generation) this.#onExit(cause);
      },
    });
    this.#state = { kind: 'starting', worker };
    const beganMs = performance.now();
    await this.#awaitReady(worker, generation);
    this.#firstStartMs ??= performance.now() - beganMs;
    if (generation === this.#generation) this.#state = { kind: 'ready', worker };
  }

  async #awaitReady(worker: WorkerThread, generation: number): Promise<void> {
    if (this.#firstStartMs === null) return await worker.ready;
    const { jobTimeoutMs } = this.#options;
    const limitMs = Math.round(Math.max(jobTimeoutMs, startPatience * this.#firstStartMs));
    if (await settlesWithin(worker.ready, limitMs)) return await worker.ready;
    if (generation === this.#generation) {
      this.#abandon(worker);
      this.#state = { kind: 'stopped' };
    }
    throw new SegmentationError('worker-died', `a worker did not start within ${limitMs} ms`);
  }

  /** Queues a job. Rejects at once with `cancelled` when its signal aborts. */
  submit<Kind extends WorkerJob['kind']>(job: QueuedJob): Promise<WorkerResults[Kind]> {
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        ...job,
        id: this.#nextJobId++,
        resolve: resolve as Pending['resolve'],
        reject,
        onAbort: () => this.#abort(pending),
        deaths: 0,
        aborted: false,
        beganMs: 0,
      };
      const refusal = this.#refusal(job.signal);
      if (refusal !== null) {
        this.#drop(pending, refusal);
        return;
      }
      job.signal.addEventListener('abort', pending.onAbort, { once: true });
      this.#enqueue(pending);
      this.#pump();
    });
  }

  /** Tells the worker that features are no longer needed. */
  release(id: number): void {
    if (this.#state.kind === 'ready') this.#state.worker.post({ kind: 'release', id });
  }

  /** Ends the worker and fails what is queued or under way with `shutting-down`. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    this.#generation++;
    clearTimeout(this.#retry);
    this.#dropAll(closedError());
    if (state.kind !== 'ready' && state.kind !== 'starting') return;
    const ended = state.worker.end();
    // Whoever opens its first graphs is waited for; whoever hangs is not.
    if (this.#firstStartMs === null || (await settlesWithin(ended, this.#options.jobTimeoutMs))) {
      return await ended;
    }
    this.#hungThreads++;
    void ended.then(() => this.#hungThreads--);
  }

  /** See {@link killWorker}. */
  async [killWorker](): Promise<void> {
    if (this.#state.kind === 'ready' || this.#state.kind === 'starting') {
      await this.#state.worker.end();
    }
  }

  /** See {@link freezeWorker}. */
  [freezeWorker](): void {
    if (this.#state.kind === 'ready' || this.#state.kind === 'starting') {
      this.#state.worker.freeze();
    }
  }

  #refusal(signal: AbortSignal): SegmentationError | null {
    if (this.#state.kind === 'closed') return closedError();
    return signal.aborted ? cancelled(signal) : null;
  }

  #enqueue(pending: Pending): void {
    const firstNotUrgent = pending.urgent ? this.#jobs.findIndex((other) => !other.urgent) : -1;
    if (firstNotUrgent < 0) this.#jobs.push(pending);
    else this.#jobs.splice(firstNotUrgent, 0, pending);
  }

  #pump(): void {
    if (this.#jobs.length === 0 || this.#running.size >= (this.#options.maxRunning ?? 1)) return;
    if (this.#state.kind === 'stopped') void this.#restart();
    if (this.#state.kind !== 'ready') return;
    const next = this.#takeNext();
    if (next === undefined) return;
    this.#running.set(next.id, next);
    next.beganMs = performance.now();
    next.watchdog = setTimeout(() => this.#replaceHung(), this.#options.jobTimeoutMs);
    next.watchdog.unref();
    try {
      const { id, mayFallBack = false } = next;
      const job = next.build(this.#generation);
      this.#state.worker.post({ kind: 'job', id, job, mayFallBack });
    } catch (cause) {
      // Values that cannot be cloned: the queue must not wait for an answer that never comes.
      this.#take(next.id);
      this.#drop(next, new SegmentationError('model-failed', 'cannot send the call', { cause }));
    }
    this.#pump();
  }

  /** The job that is under way under this id, which it is no more. */
  #take(id: number): Pending | undefined {
    const job = this.#running.get(id);
    this.#running.delete(id);
    clearTimeout(job?.watchdog);
    return job;
  }

  #takeNext(): Pending | undefined {
    const owner = this.#turns.next(this.#jobs.map((job) => job.owner));
    const at = this.#jobs.findIndex((job) => job.owner === owner);
    return at < 0 ? undefined : this.#jobs.splice(at, 1)[0];
  }

  #onAnswer(message: Extract<FromWorker, { kind: 'done' | 'failed' }>): void {
    const job = this.#take(message.id);
    if (job !== undefined) {
      this.#turns.spend(job.owner, performance.now() - job.beganMs);
      if (job.aborted) this.#drop(job, cancelled(job.signal));
      else if (message.kind === 'failed') this.#drop(job, failed(message));
      else {
        job.signal.removeEventListener('abort', job.onAbort);
        job.onSettled('delivered');
        job.resolve(message.result);
      }
    }
    this.#pump();
  }

  /** The thread cannot be interrupted where it hangs; another one takes its place. */
  #replaceHung(): void {
    if (this.#state.kind !== 'ready') return;
    this.#abandon(this.#state.worker);
    this.#onExit(new Error(`the worker did not answer within ${this.#options.jobTimeoutMs} ms`));
  }

  #abandon(worker: WorkerThread): void {
    this.#generation++;
    this.#hungThreads++;
    void worker.abandon().then(() => this.#hungThreads--);
  }

  #onExit(crash: unknown): void {
    const wasReady = this.#state.kind === 'ready';
    this.#state = { kind: 'stopped' };
    // The newest first: each goes before those that were sent after it.
    for (const { id } of [...this.#running.values()].toReversed()) {
      const job = this.#take(id)!;
      if (job.aborted) this.#drop(job, cancelled(job.signal));
      else if (++job.deaths >= deathsPerJob) this.#drop(job, died('twice under one call', crash));
      else this.#jobs.unshift(job);
    }
    // A worker that never got ready is not started again until somebody needs it: no crash loop.
    if (wasReady) void this.#restart();
  }

  /** Never rejects: what fails here fails the calls that wait. */
  async #restart(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      if (this.#hungThreads > maxHungThreads) {
        throw new SegmentationError('worker-died', `${this.#hungThreads} inference workers hang`);
      }
      await this.start();
    } catch (cause) {
      this.#onFailedStart(cause);
      return;
    }
    if (this.#isClosed()) return;
    this.#retryMs = firstRetryMs;
    this.#options.onRestart();
    this.#pump();
  }

  /** Counts as a death for every call that waits, so a start that always fails ends them all. */
  #onFailedStart(cause: unknown): void {
    for (const pending of this.#jobs.splice(0)) {
      if (++pending.deaths < deathsPerJob) this.#jobs.push(pending);
      else this.#drop(pending, died('and cannot be started again', cause));
    }
    if (this.#isClosed()) return;
    this.#options.onDown?.(cause);
    // Whoever heard that it is down sends no calls any more, so calls are not what brings it back.
    this.#retry = setTimeout(() => {
      if (this.#state.kind === 'stopped') void this.#restart();
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(longestRetryMs, 2 * this.#retryMs);
    this.#pump();
  }

  #isClosed(): boolean {
    return this.#state.kind === 'closed';
  }

  #abort(pending: Pending): void {
    pending.aborted = true;
    const at = this.#jobs.indexOf(pending);
    if (at >= 0) {
      this.#jobs.splice(at, 1);
      this.#drop(pending, cancelled(pending.signal));
    } else {
      // Under way: a run cannot be stopped, its answer is thrown away when it comes; a call to another
      // machine is given up.
      if (this.#state.kind === 'ready') this.#state.worker.post({ kind: 'cancel', id: pending.id });
      pending.reject(cancelled(pending.signal));
    }
  }

  #dropAll(reason: SegmentationError): void {
    for (const id of this.#running.keys()) this.#drop(this.#take(id)!, reason);
    for (const pending of this.#jobs.splice(0)) this.#drop(pending, reason);
  }

  #drop(pending: Pending, reason: SegmentationError): void {
    pending.signal.removeEventListener('abort', pending.onAbort);
    pending.onSettled('dropped');
    pending.reject(reason);
  }
}
