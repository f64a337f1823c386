import type { Frame } from '../../frame/frame.ts';
import type { Features } from '../../frame/ports.ts';

/** Encoder runs on frames whose turn has not come yet, by frame. */
export class PrefetchedFeatures {
  readonly #runs = new Map<number, Promise<Features>>();
  /** Runs that are not over, also those that nobody wants any more. */
  readonly #running = new Set<Promise<unknown>>();

  /** Starts a run; holds the frame until it ends. A failure shows when the result is taken. */
  start(frame: Frame, encode: (frame: Frame) => Promise<Features>): void {
    const held = frame.retain();
    const run = encode(held).finally(() => held.close());
    const over: Promise<unknown> = run.then(
      () => this.#running.delete(over),
      () => this.#running.delete(over),
    );
    this.#running.add(over);
    this.#runs.set(frame.index, run);
  }

  /** The run on a frame, now the caller's; undefined where there is none. */
  take(frameIndex: number): Promise<Features> | undefined {
    const run = this.#runs.get(frameIndex);
    this.#runs.delete(frameIndex);
    return run;
  }

  /** Closes what nobody took of the frames up to this one, now or when it comes. */
  discard(frameIndex: number): void {
    for (const [index, run] of this.#runs) {
      if (index > frameIndex) continue;
      this.#runs.delete(index);
      run.then(
        (features) => features.close(),
        () => undefined,
      );
    }
  }

  /** Closes what nobody took; resolves when no run is left. Aborted runs end at once. */
  async close(): Promise<void> {
    this.discard(Number.POSITIVE_INFINITY);
    await Promise.all(this.#running);
  }
}
