import type { SoftMask } from '../../frame/soft-mask.ts';
import type { FlowField, RegionSummary } from './types.ts';

/**
 * Length of backward(p) + forward(p + backward(p)) for every grid pixel, in grid pixels: 0 where
 * both directions agree, large where a pixel was hidden or the flow is wrong.
 *
 * @param backward current → previous
 * @param forward previous → current (the engine called with its pictures exchanged)
 * @param out one value per grid pixel
 */
export function forwardBackwardError(
  _backward: FlowField,
  _forward: FlowField,
  _out: Float32Array,
): void {
  throw new Error('unfinished');
}

/**
 * Sums up a map of the flow grid over one mask of the current frame.
 *
 * @param threshold the value above which a pixel counts into `aboveRatio`
 */
export function summariseRegion(
  _map: Float32Array,
  _grid: { readonly width: number; readonly height: number },
  _mask: SoftMask,
  _threshold: number,
): RegionSummary {
  throw new Error('unfinished');
}
