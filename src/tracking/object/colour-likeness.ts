import type { SoftMask } from '../../frame/soft-mask.ts';
import type { ColourSamples } from './colour-histogram.ts';

/** How many samples of each colour lie in a mask. */
export type MaskColours = {
  readonly counts: ReadonlyMap<number, number>;
  readonly total: number;
};

/**
 * How alike two masks of one picture are by their colours: the intersection of their normalised
 * histograms (Swain and Ballard, IJCV 1991), 0..1; 0 where one of them has no sample.
 */
export function colourLikeness(left: MaskColours, right: MaskColours): number {
  let likeness = 0;
  for (const [colour, count] of left.counts) {
    likeness += Math.min(count / left.total, (right.counts.get(colour) ?? 0) / right.total);
  }
  return left.total === 0 || right.total === 0 ? 0 : likeness;
}

/** Counts a mask's colours. */
export function coloursOf(
  { width, height, colour }: ColourSamples,
  { window, values, size }: SoftMask,
): MaskColours {
  const counts = new Map<number, number>();
  if (window === null) return { counts, total: 0 };
  const [across, down] = [size.width / width, size.height / height];
  const firstColumn = Math.max(0, Math.ceil(window.x / across - 0.5));
  const firstRow = Math.max(0, Math.ceil(window.y / down - 0.5));
  let total = 0;
  for (let row = firstRow; row < height; row++) {
    const y = Math.floor((row + 0.5) * down) - window.y;
    if (y >= window.height) break;
    for (let column = firstColumn; column < width; column++) {
      const x = Math.floor((column + 0.5) * across) - window.x;
      if (x >= window.width) break;
      if (values[y * window.width + x]! < 0.5) continue;
      const found = colour[row * width + column]!;
      counts.set(found, (counts.get(found) ?? 0) + 1);
      total++;
    }
  }
  return { counts, total };
}
