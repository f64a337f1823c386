import type { Frame } from '../frame/frame.ts';
import { wholeView, type Box, type Size, type View } from '../frame/geometry.ts';

/** Pixels of a frame as they cross to a worker: shared memory, so nothing is copied. */
export type Picture = {
  readonly size: Size;
  /** yuv420p, tightly packed; see {@link Frame}. */
  readonly data: Uint8Array;
  /** The region that the model sees, in fractions of the picture. */
  readonly region: Box;
  /** It sees that region flipped left to right. */
  readonly flipped: boolean;
};

/** The pixels of a frame; valid until the frame is closed. */
export function pictureOf(frame: Frame, { region, flipped }: View = wholeView): Picture {
  return { size: frame.analysis, data: frame.data, region, flipped };
}
