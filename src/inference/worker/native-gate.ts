/**
 * Keeps a worker from being ended inside native code. onnxruntime-node 1.30 throws a C++ exception
 * that nobody can catch when its thread is terminated during a run, and the whole process aborts;
 * `process.exit()` on the main thread terminates workers too. So whoever ends a worker shuts its gate
 * first, and a worker that finds its gate shut stands still in JavaScript until it is terminated.
 *
 * Two flags in shared memory, each side writing its own and then reading the other's: at least one
 * of them sees that both are set.
 */
export class NativeGate {
  /** Goes to the worker as part of its `workerData`. */
  readonly memory: SharedArrayBuffer;
  readonly #flags: Int32Array;

  /** A gate with the worker inside: it starts by loading native code. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
    this.#flags = new Int32Array(this.memory);
    if (memory === undefined) Atomics.store(this.#flags, inside, 1);
  }

  /** Worker: native code may run from here on. Stands still forever where the gate is shut. */
  enter(): void {
    Atomics.store(this.#flags, inside, 1);
    if (Atomics.load(this.#flags, shut) === 1) this.leave(() => {});
  }

  /**
   * Worker: native code is over. Where the gate is shut, calls `onStandstill` and stands still.
   */
  leave(onStandstill: () => void): void {
    Atomics.store(this.#flags, inside, 0);
    Atomics.notify(this.#flags, inside);
    if (Atomics.load(this.#flags, shut) === 0) return;
    onStandstill();
    for (;;) Atomics.wait(this.#flags, shut, 1);
  }

  /**
   * Main thread: lets the worker into native code no more. Returns whether it is there now; then its
   * standstill must be waited for.
   */
  shut(): boolean {
    Atomics.store(this.#flags, shut, 1);
    return Atomics.load(this.#flags, inside) === 1;
  }

  /** Main thread, when the process is about to exit: blocks until the worker is out. */
  shutAndBlock(timeoutMs: number): void {
    if (this.shut()) Atomics.wait(this.#flags, inside, 1, timeoutMs);
  }
}

/** Index of the worker's flag: 1 while native code may run. */
const inside = 0;
/** Index of the main thread's flag: 1 once the worker is to be ended. */
const shut = 1;
