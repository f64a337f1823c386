import { Worker } from 'node:worker_threads';
import { SegmentationError } from '../../frame/errors.ts';
import { FairTurns } from '../../frame/fair-turns.ts';
import { shortageOf } from '../../frame/shortage.ts';
import { workerEntry } from '../../frame/worker-entry.ts';
import type {
  RemoteTrackerOptions,
  TrackerCall,
  TrackerLoss,
  TrackerMethod,
  TrackerReply,
} from './messages.ts';

type Pending = {
  readonly call: TrackerCall;
  readonly owner: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: SegmentationError) => void;
};

/**
 * Calls that are with the thread where several owners have streams in it: one that it works on and one
 * that it begins without waiting for this thread. The others wait here for their owner's turn.
 */
const callsAhead = 2;

/** One tracking thread and the streams that it hosts. */
export class TrackerThread {
  readonly #worker: Worker;
  readonly #callTimeoutMs: number;
  readonly #onDeath: (cause: unknown) => void;
  /** By number; the first is the one that the thread works on. */
  readonly #pending = new Map<number, Pending>();
  /** Calls that wait for their owner's turn, oldest first. */
  readonly #waiting: Pending[] = [];
  readonly #turns = new FairTurns<string>();
  /** When the call in work was begun, or the one before it was done. */
  #beganMs = 0;
  /** Streams and their owners. */
  readonly #streams = new Map<number, string>();
  #calls = 0;
  #ending = false;
  #isDead = false;
  /** The stream under whose call the thread died. */
  #culprit: number | null = null;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(options: {
    readonly callTimeoutMs: number;
    readonly onDeath: (cause: unknown) => void;
  }) {
    this.#callTimeoutMs = options.callTimeoutMs;
    this.#onDeath = options.onDeath;
    this.#worker = new Worker(workerEntry(import.meta.url, 'worker'));
    this.#worker.unref();
    this.#worker.on('message', (reply: TrackerReply) => this.#settle(reply));
    this.#worker.on('error', (cause) => this.#die(cause));
    this.#worker.on('exit', (code) => this.#die(new Error(`tracking thread exited with ${code}`)));
  }

  get streams(): number {
    return this.#streams.size;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get pendingCalls(): number {
    return this.#pending.size + this.#waiting.length;
  }

  lossOf(streamId: number): TrackerLoss {
    if (!this.#isDead || this.#ending) return 'none';
    return this.#culprit === streamId ? 'own' : 'others';
  }

  async open(
    streamId: number,
    { owner, options }: { readonly owner: string; readonly options: RemoteTrackerOptions },
  ): Promise<void> {
    this.#streams.set(streamId, owner);
    try {
      await this.call(streamId, 'open', [options]);
    } catch (error) {
      this.close(streamId);
      throw error;
    }
  }

  /** Frees a stream's state; idempotent. */
  close(streamId: number): void {
    const owner = this.#streams.get(streamId);
    if (!this.#streams.delete(streamId) || this.#isDead) return;
    void this.#submit({ streamId, method: 'close', arguments: [] }, owner).catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#worker.terminate();
  }

  call(streamId: number, method: TrackerMethod, parameters: readonly unknown[]): Promise<unknown> {
    const owner = this.#streams.get(streamId);
    return this.#submit({ streamId, method, arguments: parameters }, owner);
  }

  #submit(call: Omit<TrackerCall, 'callId'>, owner = ''): Promise<unknown> {
    if (this.#isDead) return Promise.reject(this.#deathError(undefined));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call: { ...call, callId: ++this.#calls }, owner, resolve, reject });
      this.#pump();
    });
  }

  /** Hands calls to the thread: all of them where they are one owner's, else as turns come. */
  #pump(): void {
    while (this.#waiting.length > 0) {
      const owners = new Set(this.#streams.values());
      if (this.#pending.size >= callsAhead && owners.size > 1) return;
      const owner = this.#turns.next(this.#waiting.map((waiting) => waiting.owner));
      const at = this.#waiting.findIndex((waiting) => waiting.owner === owner);
      const [next] = this.#waiting.splice(at, 1);
      if (next === undefined) return;
      this.#pending.set(next.call.callId, next);
      if (this.#pending.size === 1) {
        this.#beganMs = performance.now();
        this.#watch();
      }
      this.#worker.postMessage(next.call);
    }
  }

  #settle(reply: TrackerReply): void {
    const pending = this.#pending.get(reply.callId);
    this.#pending.delete(reply.callId);
    const nowMs = performance.now();
    if (pending !== undefined) this.#turns.spend(pending.owner, nowMs - this.#beganMs);
    this.#beganMs = nowMs;
    this.#watch();
    this.#pump();
    if ('error' in reply) {
      const cause = new Error(reply.error);
      pending?.reject(new SegmentationError('internal', 'internal error', { cause }));
    } else {
      pending?.resolve(reply.result);
    }
  }

  /** The call that is in work has its time from now on. */
  #watch(): void {
    clearTimeout(this.#watchdog);
    if (this.#pending.size === 0) return;
    this.#watchdog = setTimeout(() => {
      // A loop that does not end can be ended: nothing in there is native.
      this.#die(new Error(`a call did not answer within ${this.#callTimeoutMs} ms`));
      void this.#worker.terminate();
    }, this.#callTimeoutMs);
    this.#watchdog.unref();
  }

  #die(cause: unknown): void {
    if (this.#isDead) return;
    this.#isDead = true;
    clearTimeout(this.#watchdog);
    const pending = [...this.#pending.values(), ...this.#waiting.splice(0)];
    this.#culprit = pending[0]?.call.streamId ?? null;
    this.#pending.clear();
    this.#onDeath(cause);
    for (const { reject } of pending) reject(this.#deathError(cause));
  }

  #deathError(cause: unknown): SegmentationError {
    if (this.#ending) return new SegmentationError('shutting-down', 'the server is shutting down');
    return (
      shortageOf(cause) ??
      new SegmentationError('worker-died', 'the tracking thread ended', { cause })
    );
  }
}
