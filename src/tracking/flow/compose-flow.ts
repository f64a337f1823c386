import type { FlowField } from './types.ts';

/**
 * Chains two backward flows: `step` leads from the current frame to the one before, `earlier` from
 * there to a keyframe; `out` leads from the current frame to the keyframe. `out` may be `step` but
 * not `earlier`.
 */
export function composeFlow(step: FlowField, earlier: FlowField, out: FlowField): void {
  const { width, height } = step;
  const maxX = width - 1;
  const maxY = height - 1;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const u = step.u[at]!;
      const v = step.v[at]!;
      // Beyond the picture the motion of its edge goes on.
      const fromX = Math.min(Math.max(x + u, 0), maxX);
      const fromY = Math.min(Math.max(y + v, 0), maxY);
      const left = Math.min(fromX | 0, Math.max(0, maxX - 1));
      const top = Math.min(fromY | 0, Math.max(0, maxY - 1));
      const fx = fromX - left;
      const fy = fromY - top;
      const i = top * width + left;
      const right = maxX > 0 ? i + 1 : i;
      const down = maxY > 0 ? width : 0;
      const w00 = (1 - fx) * (1 - fy);
      const w01 = fx * (1 - fy);
      const w10 = (1 - fx) * fy;
      const w11 = fx * fy;
      const a = earlier.u;
      const b = earlier.v;
      out.u[at] = u + w00 * a[i]! + w01 * a[right]! + w10 * a[i + down]! + w11 * a[right + down]!;
      out.v[at] = v + w00 * b[i]! + w01 * b[right]! + w10 * b[i + down]! + w11 * b[right + down]!;
    }
  }
}
