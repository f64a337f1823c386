import { intersectBoxes } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { measuresOf } from './measures.ts';

/** Share of a mask's pixels that others of the same picture claim too; 1 where it has none. */
export function claimedRatio(mask: SoftMask, others: readonly SoftMask[]): number {
  const { area } = measuresOf(mask);
  const { window } = mask;
  if (window === null || area === 0) return 1;
  const claimed = new Uint8Array(mask.values.length);
  for (const other of others) {
    const shared = other.window && intersectBoxes(window, other.window);
    if (!shared || !other.window) continue;
    for (let y = shared.y; y < shared.y + shared.height; y++) {
      const row = (y - window.y) * window.width - window.x;
      const otherRow = (y - other.window.y) * other.window.width - other.window.x;
      for (let x = shared.x; x < shared.x + shared.width; x++) {
        if (mask.values[row + x]! >= 0.5 && other.values[otherRow + x]! >= 0.5)
          claimed[row + x] = 1;
      }
    }
  }
  return claimed.reduce((count, one) => count + one, 0) / area;
}
