import { microsecondsPerSecond } from '../frame/time.ts';
import type { Output } from './answered-frame.ts';

/** Times are whole microseconds: a frame may stand one before its moment. */
const roundingUs = 1;

/**
 * Passes on the first frame at or after each 1/`framesPerSecond` s of presentation time, as numbered in
 * the source, and leaves out the others.
 */
export function createSampledOutput(output: Output, framesPerSecond: number): Output {
  let lastMoment = -Infinity;
  return {
    open: (header) => output.open({ ...header, frameRate: framesPerSecond }),
    async write(frame) {
      const seconds = (frame.timestampUs + roundingUs) / microsecondsPerSecond;
      const moment = Math.floor(seconds * framesPerSecond);
      if (moment <= lastMoment) return;
      lastMoment = moment;
      await output.write(frame);
    },
    close: () => output.close(),
    discard: () => output.discard(),
  };
}
