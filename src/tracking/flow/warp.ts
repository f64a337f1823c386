import type { SoftMask } from '../../frame/soft-mask.ts';
import type { FlowField } from './types.ts';

/**
 * Carries a mask along backward flow: the value at p of the result is the mask's value at
 * p + flow(p), bilinear in both. The flow grid may be smaller than the mask's picture.
 *
 * @param buffer memory for the result's values where it is large enough; else one is allocated
 */
export function warpSoftMask(_mask: SoftMask, _flow: FlowField, _buffer?: Float32Array): SoftMask {
  throw new Error('unfinished');
}
