import type { Frame } from '../frame/frame.ts';
import type { Features } from './ports.ts';

/** Encoder runs on frames whose turn has not come yet, by frame. */
export class EarlyFeatures {
  readonly #runs = new Map<number, Promise<Features>>();

  /** Starts a run; holds the frame until it ends. A failure shows when the result is taken. */
  start(frame: Frame, encode: (frame: Frame) => Promise<Features>): void {
    const held = frame.retain();
    const run = encode(held).finally(() => held.close());
    run.catch(() => undefined);
    this.#runs.set(frame.index, run);
  }

  /** The run on a frame, now the caller's; undefined where there is none. */
  take(frameIndex: number): Promise<Features> | undefined {
    const run = this.#runs.get(frameIndex);
    this.#runs.delete(frameIndex);
    return run;
  }

  /** Closes what nobody took, now or when it comes; idempotent. */
  close(): void {
    for (const run of this.#runs.values()) {
      run.then(
        (features) => features.close(),
        () => undefined,
      );
    }
    this.#runs.clear();
  }
}
