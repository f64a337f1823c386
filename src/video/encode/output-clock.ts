import { microsecondsPerSecond } from '../../frame/time.ts';

/** Later than this a file would begin with nothing to see for longer than anyone waits. */
const latestOriginUs = 10 * microsecondsPerSecond;

/** A rate for files that state none: what a picture lasts where the next one does not say. */
const defaultFrameRate = 25;

/**
 * Presentation times as a file needs them: from 0 up and rising. They stay as they are where they are
 * that already.
 */
export class OutputClock {
  readonly #stepUs: number;
  #offsetUs: number | null = null;
  #lastUs = -1;

  /** @param frameRate frames a second; null where it is not known */
  constructor(frameRate: number | null) {
    const step = Math.round(microsecondsPerSecond / (frameRate ?? defaultFrameRate));
    this.#stepUs = Math.max(1, step);
  }

  /** The time of the next picture in the file, in microseconds. */
  next(timestampUs: number): number {
    const keepsOrigin = timestampUs >= 0 && timestampUs <= latestOriginUs;
    this.#offsetUs ??= keepsOrigin ? 0 : -timestampUs;
    // A stream that was put together of several: go on one step after the picture before.
    if (timestampUs + this.#offsetUs <= this.#lastUs) {
      this.#offsetUs = this.#lastUs + this.#stepUs - timestampUs;
    }
    this.#lastUs = timestampUs + this.#offsetUs;
    return this.#lastUs;
  }
}
