// Before the thread starts: it cannot do this for itself.
import '../engine/no-telemetry.ts';
import { Worker } from 'node:worker_threads';
import { assertNever, SegmentationError } from '../../frame/errors.ts';
import { workerEntry } from '../../frame/worker-entry.ts';
import { NativeGate } from './native-gate.ts';
import type { ServerCall, ServerState } from '../engine/kserve/server-call.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';

/** What a {@link WorkerThread} tells its queue; nothing comes after `onExit`. */
export type WorkerThreadEvents = {
  readonly onAnswer: (answer: Extract<FromWorker, { kind: 'done' | 'failed' }>) => void;
  readonly onReach: (reachable: boolean, reason: string) => void;
  readonly onServerCall: (call: ServerCall) => void;
  /** The thread is gone; `cause` is what it threw, if anything. */
  readonly onExit: (cause: unknown) => void;
};

/** Longest that a process exit waits for a run to end; decoding many objects takes some seconds. */
const exitWaitMs = 10_000;

const diedAtStart = 'an inference worker died at its start';

/** One inference worker thread, from its start to its end. */
export class WorkerThread {
  /** Resolves when the graphs are open; rejects, after the thread's end, with why they are not. */
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #gate = new NativeGate();
  readonly #standstill: Promise<void>;
  readonly #exited: Promise<void>;
  readonly #onProcessExit: () => void;
  readonly #servers = new Map<string, ServerState>();

  constructor(setup: WorkerSetup, events: WorkerThreadEvents) {
    const worker = new Worker(workerEntry(import.meta.url, 'worker'), {
      workerData: { setup, gate: this.#gate.memory },
      // Flags of the parent, such as --input-type, would keep the entry from loading.
      execArgv: [],
    });
    this.#worker = worker;
    const { promise: ready, resolve: isReady, reject: isUnusable } = settleable();
    const { promise: standstill, resolve: standsStill } = settleable();
    const { promise: exited, resolve: hasExited } = settleable();
    this.ready = ready;
    this.#standstill = standstill;
    this.#exited = exited;
    this.#onProcessExit = () => this.#gate.shutAndBlock(exitWaitMs);
    process.on('exit', this.#onProcessExit);
    // A process may have dozens of threads, and each listens once: that is no leak.
    allowListeners(1);
    let cause: unknown;
    let unusable: SegmentationError | null = null;
    worker.on('error', (reason) => (cause = reason));
    worker.on('exit', () => {
      this.#leaveProcess();
      hasExited();
      isUnusable(unusable ?? new SegmentationError('worker-died', diedAtStart, { cause }));
      events.onExit(cause);
    });
    worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'ready':
          isReady();
          return;
        case 'standstill':
          standsStill();
          return;
        case 'unusable':
          // Told when the thread is gone, so that a queue never has two.
          unusable = new SegmentationError(message.code, message.message);
          return;
        case 'reach':
          events.onReach(message.reachable, message.reason);
          return;
        case 'server-call':
          events.onServerCall(message.call);
          return;
        case 'server-state':
          this.#servers.set(message.state.server, message.state);
          return;
        case 'done':
        case 'failed':
          events.onAnswer(message);
          return;
        default:
          assertNever(message);
      }
    });
  }

  /** Inference servers as this worker sees them. */
  get servers(): readonly ServerState[] {
    return [...this.#servers.values()];
  }

  /** Sends a message; a worker that is gone ignores it. */
  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /**
   * Leaves a thread that answers no more to itself: native code cannot be interrupted, so it is ended
   * if it ever comes back from there. Resolves then.
   */
  async abandon(): Promise<void> {
    this.#leaveProcess();
    this.#worker.unref();
    await this.end();
  }

  #leaveProcess(): void {
    if (!process.listeners('exit').includes(this.#onProcessExit)) return;
    process.off('exit', this.#onProcessExit);
    allowListeners(-1);
  }

  /** From its next job on the thread stands still, as one that hangs does; tests only. */
  freeze(): void {
    this.#gate.shut();
  }

  /** Ends the thread; a run under way ends first, unanswered. Resolves when the thread is gone. */
  async end(): Promise<void> {
    if (this.#gate.shut()) await Promise.race([this.#standstill, this.#exited]);
    await this.#worker.terminate();
    await this.#exited;
  }
}

type Settleable = {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: SegmentationError) => void;
};

function settleable(): Settleable {
  let resolve: Settleable['resolve'] = nothing;
  let reject: Settleable['reject'] = nothing;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever waits sees the reason; a worker that dies with nobody waiting is no unhandled rejection.
  promise.catch(nothing);
  return { promise, resolve, reject };
}

function nothing(): void {}

/** Changes from how many listeners on Node warns; 0 is never. */
function allowListeners(change: number): void {
  const most = process.getMaxListeners();
  if (most > 0) process.setMaxListeners(most + change);
}
