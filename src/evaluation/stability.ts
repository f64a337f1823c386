import type { Mask } from '../frame/mask.ts';
import { maskFromBitmap, maskIou } from '../frame/mask.ts';
import type { FlowField } from '../tracking/flow/types.ts';
import { warpSoftMask } from '../tracking/mask/warp.ts';

/**
 * Temporal stability of one frame: IoU of a mask with the one before, carried along the flow; null
 * where both are empty, which says nothing. A mask that flickers scores low though each frame may
 * be plausible.
 */
export function stability(previous: Mask, current: Mask, flow: FlowField): number | null {
  if (previous.area === 0 && current.area === 0) return null;
  const values = new Float32Array(previous.bits);
  const warped = warpSoftMask({ size: previous.size, window: previous.box, values }, flow);
  if (warped.window === null) return 0;
  const bits = new Uint8Array(warped.values.length);
  for (let at = 0; at < bits.length; at++) bits[at] = (warped.values[at] ?? 0) >= 0.5 ? 1 : 0;
  return maskIou(maskFromBitmap(bits, warped.size, warped.window), current);
}
