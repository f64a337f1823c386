import type { FlowField, FlowImage } from './types.ts';

/**
 * |current(p) - previous(p + flow(p))| in grey levels 0..255 for every grid pixel, after the mean
 * brightness change of the picture is taken out. Where the flow leaves the picture: the value at its edge.
 *
 * @param out one value per grid pixel; sum it up per object with `summariseRegion`
 */
export function photometricResidual(
  _previous: FlowImage,
  _current: FlowImage,
  _flow: FlowField,
  _out: Float32Array,
): void {
  throw new Error('unfinished');
}
