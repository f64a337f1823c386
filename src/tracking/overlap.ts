import type { SoftMask } from '../frame/soft-mask.ts';
import { marginOf, type Margin } from './render-mask.ts';

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
  const margins = masks.map(marginOf);
  for (let i = 0; i < masks.length; i++) {
    const margin = margins[i];
    const mask = masks[i];
    if (!margin || !mask) continue;
    for (let j = 0; j < masks.length; j++) {
      const rival = masks[j];
      if (j !== i && rival) yieldTo(margin, mask, rival, j < i ? tieMargin : -tieMargin);
    }
  }
  return margins;
}

/** Lowers the margin to `mask - rival - bias` where that is less. */
function yieldTo(margin: Margin, mask: SoftMask, rival: SoftMask, bias: number): void {
  const own = margin.window;
  const other = rival.window;
  if (other === null) return;
  const x0 = Math.max(own.x, other.x);
  const y0 = Math.max(own.y, other.y);
  const x1 = Math.min(own.x + own.width, other.x + other.width);
  const y1 = Math.min(own.y + own.height, other.y + other.height);
  for (let y = y0; y < y1; y++) {
    const ownRow = (y - own.y) * own.width - own.x;
    const otherRow = (y - other.y) * other.width - other.x;
    for (let x = x0; x < x1; x++) {
      const lead = (mask.values[ownRow + x] ?? 0) - (rival.values[otherRow + x] ?? 0) - bias;
      if (lead < (margin.values[ownRow + x] ?? 0)) margin.values[ownRow + x] = lead;
    }
  }
}
