import { Worker } from 'node:worker_threads';
import { SegmentationError } from '../../frame/errors.ts';
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
  readonly streamId: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: SegmentationError) => void;
};

/** One tracking thread and the streams that it hosts. */
export class TrackerThread {
  readonly #worker: Worker;
  readonly #callTimeoutMs: number;
  readonly #onDeath: (cause: unknown) => void;
  /** By number; the first is the one that the thread works on. */
  readonly #pending = new Map<number, Pending>();
  readonly #streams = new Set<number>();
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
    return this.#pending.size;
  }

  lossOf(streamId: number): TrackerLoss {
    if (!this.#isDead || this.#ending) return 'none';
    return this.#culprit === streamId ? 'own' : 'others';
  }

  async open(streamId: number, options: RemoteTrackerOptions): Promise<void> {
    this.#streams.add(streamId);
    try {
      await this.call(streamId, 'open', [options]);
    } catch (error) {
      this.close(streamId);
      throw error;
    }
  }

  /** Frees a stream's state; idempotent. */
  close(streamId: number): void {
    if (!this.#streams.delete(streamId) || this.#isDead) return;
    void this.call(streamId, 'close', []).catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#worker.terminate();
  }

  call(streamId: number, method: TrackerMethod, parameters: readonly unknown[]): Promise<unknown> {
    if (this.#isDead) return Promise.reject(this.#deathError(undefined));
    return new Promise((resolve, reject) => {
      const callId = ++this.#calls;
      this.#pending.set(callId, { streamId, resolve, reject });
      if (this.#pending.size === 1) this.#watch();
      const call: TrackerCall = { callId, streamId, method, arguments: parameters };
      this.#worker.postMessage(call);
    });
  }

  #settle(reply: TrackerReply): void {
    const pending = this.#pending.get(reply.callId);
    this.#pending.delete(reply.callId);
    this.#watch();
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
    const pending = [...this.#pending.values()];
    this.#culprit = pending[0]?.streamId ?? null;
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
