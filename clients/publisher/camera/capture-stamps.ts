import type { AccessUnit } from '../access-unit.ts';

/** Whose clock a capture time is of. `arrival`: this machine's, the camera had not said its own. */
export type CaptureClock = 'camera' | 'arrival';

/** Pictures that may be on their way at a time. */
const maxStamps = 16_384;

/**
 * Capture times of the pictures on their way: each picture has one of its own, by which it is told
 * again in the answers, and it is known whose clock it is of.
 */
export class CaptureStamps {
  readonly #clocks = new Map<number, CaptureClock>();

  /** The stamp of a picture, in microseconds since 1970. */
  stamp({ capturedAtUs, arrivedAtUs }: AccessUnit): number {
    let stampUs = capturedAtUs ?? arrivedAtUs;
    // Equal times would make one picture of two.
    while (this.#clocks.has(stampUs)) stampUs++;
    this.#clocks.set(stampUs, capturedAtUs === null ? 'arrival' : 'camera');
    if (this.#clocks.size > maxStamps) {
      const [oldest = 0] = this.#clocks.keys();
      this.#clocks.delete(oldest);
    }
    return stampUs;
  }

  /** Null for a time that was not given here. */
  clockOf(stampUs: number | null): CaptureClock | null {
    return stampUs === null ? null : (this.#clocks.get(stampUs) ?? null);
  }
}
