import type { FlowField } from './types.ts';

/**
 * Chains two backward flows: `step` leads from the current frame to the one before, `earlier` from
 * there to a keyframe; `out` leads from the current frame to the keyframe. `out` may be `step` but
 * not `earlier`.
 */
export function composeFlow(_step: FlowField, _earlier: FlowField, _out: FlowField): void {
  throw new Error('unfinished');
}
