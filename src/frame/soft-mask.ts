import type { Box, Size } from './geometry.ts';

/**
 * Probabilities of one object, cut to a window of the picture; 0 outside. Masks travel in this form
 * from keyframe to keyframe and are thresholded last. Crosses threads by copy of the window only.
 */
export type SoftMask = {
  /** The picture that the mask belongs to (analysis size inside the tracker). */
  readonly size: Size;
  /** Integer window that `values` covers; null where the mask is empty. */
  readonly window: Box | null;
  /** Probability 0..1, row-major over `window`; empty where the mask is empty. */
  readonly values: Float32Array;
};
