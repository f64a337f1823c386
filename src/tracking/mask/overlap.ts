import type { Size } from '../../frame/geometry.ts';
import type { Mask } from '../../frame/mask.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { threadKernel } from '../kernel/kernel.ts';
import { putMasks } from '../kernel/structs.ts';
import { renderOne } from './render.ts';

/**
 * Masks at `target` size under the DISJOINT rule: at each pixel the highest probability wins, a tie
 * goes to the lowest id. A mask's margin at a pixel is min(p - 1/2, p - the best rival's p). Two
 * rivals' differences are each other's negative and stay so under interpolation, so no pixel is ever
 * given twice.
 *
 * @param masks by ascending object id, all of one picture, their disputes settled
 */
export function renderDisjoint(masks: readonly SoftMask[], target: Size): Mask[] {
  const kernel = threadKernel();
  const placed = putMasks(kernel, masks);
  return masks.map((_, index) =>
    renderOne(kernel, { masks: placed, count: masks.length, index }, target),
  );
}
