import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { SegmentationError } from '../../frame/errors.ts';
import { shortageOf } from '../../frame/shortage.ts';
import { workerEntry } from '../../frame/worker-entry.ts';
import { FairQueue } from './fair-queue.ts';
import type { MaskJob, MaskReply, MaskResult } from './messages.ts';

/** For whom a mask is worked on, and until when. */
export type MaskJobOptions = {
  /** One for each call: calls take turns. */
  readonly owner: object;
  readonly signal: AbortSignal;
};

/** Threads that read and write masks in the forms of the wire. */
export type MaskWorkers = AsyncDisposable & {
  /** Jobs that no thread has begun. */
  readonly waiting: number;
  /**
   * Runs one job. Rejects with what the mask is refused for, with the signal's reason, or with
   * `worker-died`, `server-exhausted`.
   */
  run<K extends MaskJob['kind']>(
    job: Extract<MaskJob, { kind: K }>,
    options: MaskJobOptions,
  ): Promise<MaskResult<K>>;
};

/** Objects of one mask in a worker, in MiB: pixels are outside of it. */
const maxHeapMb = 512;

type Waiting = {
  readonly job: MaskJob;
  readonly resolve: (result: MaskResult<MaskJob['kind']>) => void;
  readonly reject: (reason: unknown) => void;
};

/** Starts threads when they are first needed. The caller disposes it. */
export function createMaskWorkers(
  threads: number = Math.min(2, Math.max(1, availableParallelism() - 1)),
): MaskWorkers {
  const queue = new FairQueue<Waiting>();
  const idle: MaskThread[] = [];
  const all = new Set<MaskThread>();
  let closed = false;

  const next = (): void => {
    const thread = idle.pop() ?? (all.size < threads ? start() : undefined);
    if (thread === undefined) return;
    const work = queue.shift();
    if (work === undefined) idle.push(thread);
    else thread.begin(work);
  };
  const start = (): MaskThread => {
    const thread = new MaskThread({
      onIdle: () => {
        idle.push(thread);
        next();
      },
      onDead: () => {
        all.delete(thread);
        const at = idle.indexOf(thread);
        if (at >= 0) idle.splice(at, 1);
        if (!closed) next();
      },
    });
    all.add(thread);
    return thread;
  };

  return {
    get waiting() {
      return queue.size;
    },
    run: (job, { owner, signal }) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        if (closed) throw new SegmentationError('shutting-down', 'the server is going away');
        const settle = () => signal.removeEventListener('abort', stop);
        const work: Waiting = {
          job,
          resolve: (result) => {
            settle();
            resolve(result as MaskResult<(typeof job)['kind']>);
          },
          reject: (reason) => {
            settle();
            reject(reason);
          },
        };
        // What is in work is bounded and runs to its end; what waits is not begun.
        const stop = () => {
          if (queue.remove(owner, work)) reject(signal.reason);
        };
        signal.addEventListener('abort', stop, { once: true });
        queue.push(owner, work);
        next();
      }),
    async [Symbol.asyncDispose]() {
      closed = true;
      const gone = new SegmentationError('shutting-down', 'the server is going away');
      for (const { reject } of queue.drain()) reject(gone);
      await Promise.all([...all].map((thread) => thread.close()));
    },
  };
}

/** One thread and the job that it has in work. */
class MaskThread {
  readonly #worker: Worker;
  readonly #onIdle: () => void;
  #current: Waiting | null = null;

  constructor({ onIdle, onDead }: { readonly onIdle: () => void; readonly onDead: () => void }) {
    this.#onIdle = onIdle;
    this.#worker = new Worker(workerEntry(import.meta.url, 'worker'), {
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    });
    this.#worker.unref();
    this.#worker.on('message', (reply: MaskReply) => this.#settle(reply));
    this.#worker.on('error', (cause) => this.#fail(deathOf(cause)));
    this.#worker.on('exit', (code) => {
      this.#fail(deathOf(new Error(`a mask worker exited with ${code}`)));
      onDead();
    });
  }

  begin(work: Waiting): void {
    this.#current = work;
    const { job } = work;
    // Its memory is handed over, not copied again.
    this.#worker.postMessage(job, job.kind === 'read' ? [job.bytes.buffer] : []);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: MaskReply): void {
    const work = this.#current;
    this.#current = null;
    if (reply.kind === 'done') work?.resolve(reply.result);
    else work?.reject(errorOf(reply));
    this.#onIdle();
  }

  #fail(error: SegmentationError): void {
    const work = this.#current;
    this.#current = null;
    work?.reject(error);
  }
}

function errorOf({ code, message }: Extract<MaskReply, { kind: 'failed' }>): SegmentationError {
  if (code !== 'internal') return new SegmentationError(code, message);
  return new SegmentationError('internal', 'internal error', { cause: new Error(message) });
}

function deathOf(cause: Error): SegmentationError {
  return (
    shortageOf(cause) ??
    new SegmentationError('worker-died', 'the thread that had the mask ended', { cause })
  );
}
