import type { SoftMask } from '../frame/soft-mask.ts';
import { threadKernel } from './flow/kernel/kernel.ts';
import { putMask } from './flow/kernel/structs.ts';
import type { Margin } from './render-mask.ts';

/** Decides ties for the lower id without moving any outline visibly. */
const tieMargin = 1e-6;

/**
 * Margins under the DISJOINT rule: at each pixel the highest probability wins, a tie goes to the
 * lowest id. A pixel's margin is min(p - 1/2, p - the best rival's p). Two rivals' differences are
 * each other's negative and stay so under interpolation, so no pixel is ever given twice.
 *
 * @param masks by ascending object id, all of one picture
 */
export function disjointMargins(masks: readonly SoftMask[]): (Margin | null)[] {
  const kernel = threadKernel();
  const placed = masks.map((mask) => putMask(kernel, mask));
  return masks.map((mask, i): Margin | null => {
    const own = placed[i];
    if (mask.window === null || own === undefined) return null;
    const values = kernel.put(mask.values);
    kernel.call.margin(values, mask.values.length);
    for (const [j, rival] of placed.entries()) {
      if (j !== i) kernel.call.yieldTo(values, own, rival, j < i ? tieMargin : -tieMargin);
    }
    const margin = kernel.floats(values, mask.values.length).slice();
    return { size: mask.size, window: mask.window, values: margin };
  });
}
