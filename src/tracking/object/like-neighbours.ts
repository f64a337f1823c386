import type { SoftMask } from '../../frame/soft-mask.ts';
import { mayTouch, outlineOf, touchRatio } from '../mask/touch.ts';
import type { ColourSamples } from './colour-histogram.ts';
import { colourLikeness } from './colour-likeness.ts';

/**
 * Share of each mask's outline at which its like begins, 0..1: where two masks of one picture touch,
 * the share of the outline times how alike they are by colour.
 *
 * @param samples of the picture; read only where masks touch
 */
export function likeTouchRatios(
  masks: readonly SoftMask[],
  samples: () => ColourSamples,
): number[] {
  const outlines = new Map<SoftMask, Int32Array>();
  const outline = (mask: SoftMask): Int32Array => {
    const held = outlines.get(mask) ?? outlineOf(mask);
    outlines.set(mask, held);
    return held;
  };
  const sums = masks.map(() => 0);
  for (let i = 0; i < masks.length; i++) {
    for (let j = i + 1; j < masks.length; j++) {
      const [a, b] = [masks[i]!, masks[j]!];
      if (!mayTouch(a, b)) continue;
      const there = touchRatio(outline(a), b);
      const back = touchRatio(outline(b), a);
      if (there === 0 && back === 0) continue;
      const likeness = colourLikeness(samples(), a, b);
      sums[i]! += there * likeness;
      sums[j]! += back * likeness;
    }
  }
  return sums.map((sum) => Math.min(1, sum));
}
