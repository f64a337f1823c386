import type { SoftMask } from '../../frame/soft-mask.ts';
import { readMask } from './measures.ts';
import { threadKernel } from '../kernel/kernel.ts';
import { putFlow, putMask } from '../kernel/structs.ts';
import type { FlowField } from '../flow/types.ts';

/**
 * Carries a mask along backward flow: the value at p of the result is the mask's value at
 * p + flow(p), bilinear in both. The flow grid may be smaller than the mask's picture. Outside the
 * mask's window the probability is 0; beyond the picture it is that of the nearest edge pixel, so
 * that an object which the edge cuts stays cut by the edge and not by where the edge was. Border
 * rows and columns of probabilities under 1/128 are cut away.
 */
export function warpSoftMask(mask: SoftMask, flow: FlowField): SoftMask {
  if (mask.window === null) return mask;
  const kernel = threadKernel();
  const warped = kernel.call.warp(putMask(kernel, mask), putFlow(kernel, flow));
  return readMask(kernel, warped, mask.size);
}
