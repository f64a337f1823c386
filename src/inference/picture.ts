import type { Frame } from '../frame/frame.ts';
import { wholePicture, type Box, type Size } from '../frame/geometry.ts';

/** Pixels of a frame as they cross to a worker: shared memory, so nothing is copied. */
export type Picture = {
  readonly size: Size;
  /** yuv420p, tightly packed; see {@link Frame}. */
  readonly data: Uint8Array;
  /** The part that the model looks at, in fractions of the picture. */
  readonly region: Box;
};

/** The pixels of a frame; valid until the frame is closed. */
export function pictureOf(frame: Frame, region = wholePicture): Picture {
  return { size: frame.analysis, data: frame.data, region };
}
