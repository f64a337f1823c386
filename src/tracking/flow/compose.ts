import { threadKernel } from '../kernel/kernel.ts';
import { putFlow, readFlow } from '../kernel/structs.ts';
import type { FlowField } from './types.ts';

/**
 * Chains two backward flows: `step` leads from the current frame to the one before, `earlier` from
 * there to a keyframe; `out` leads from the current frame to the keyframe. `out` may be either of
 * them.
 */
export function composeFlow(step: FlowField, earlier: FlowField, out: FlowField): void {
  const kernel = threadKernel();
  const chained = putFlow(kernel, step);
  kernel.call.compose(chained, putFlow(kernel, earlier));
  readFlow(kernel, chained, out);
}
