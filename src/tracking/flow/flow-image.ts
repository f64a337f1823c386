import type { Size } from '../../frame/geometry.ts';
import { fitLongSide } from '../../frame/geometry.ts';
import type { FlowField, FlowImage } from './types.ts';

/** Default long side of the flow grid, in pixels. */
export const defaultFlowLongSide = 256;

/** Grid for pictures of `analysis` size; never larger than the picture. */
export function flowGrid(analysis: Size, longSide = defaultFlowLongSide): Size {
  return fitLongSide(analysis, longSide);
}

/** An empty picture of the grid; fill it with {@link prepareFlowImage}. Reuse it: it is large. */
export function createFlowImage(_grid: Size): FlowImage {
  throw new Error('unfinished');
}

/**
 * Fills `out` from the Y plane of a frame by area averaging. Allocates nothing.
 *
 * @param luma row-major, at least `analysis.width * analysis.height` bytes (a frame's data will do)
 */
export function prepareFlowImage(_luma: Uint8Array, _analysis: Size, _out: FlowImage): void {
  throw new Error('unfinished');
}

/** A field of zeros. */
export function createFlowField(grid: Size): FlowField {
  const pixels = grid.width * grid.height;
  return { ...grid, u: new Float32Array(pixels), v: new Float32Array(pixels) };
}
