import type { SoftMask } from '../../frame/soft-mask.ts';
import { mayTouch, outlineOf, touchRatio } from '../mask/touch.ts';
import type { ColourSamples } from './colour-histogram.ts';
import { colourLikeness, coloursOf, type MaskColours } from './colour-likeness.ts';

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
  // Of many objects in one place each is asked about often.
  const outlines: (Int32Array | undefined)[] = [];
  const outline = (i: number): Int32Array => (outlines[i] ??= outlineOf(masks[i]!));
  const colours: (MaskColours | undefined)[] = [];
  const coloursIn = (i: number): MaskColours => (colours[i] ??= coloursOf(samples(), masks[i]!));
  const sums = masks.map(() => 0);
  for (let i = 0; i < masks.length; i++) {
    for (let j = i + 1; j < masks.length; j++) {
      const [a, b] = [masks[i]!, masks[j]!];
      if (!mayTouch(a, b)) continue;
      const there = touchRatio(outline(i), b);
      const back = touchRatio(outline(j), a);
      if (there === 0 && back === 0) continue;
      const likeness = colourLikeness(coloursIn(i), coloursIn(j));
      sums[i]! += there * likeness;
      sums[j]! += back * likeness;
    }
  }
  return sums.map((sum) => Math.min(1, sum));
}
