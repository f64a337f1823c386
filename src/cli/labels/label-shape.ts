import { z } from 'zod';
import { decodeCocoRle, encodeCocoRuns } from '../../frame/coco-rle.ts';
import { SegmentationError, usageError } from '../../frame/errors.ts';
import type { Size } from '../../frame/geometry.ts';
import { sameSize } from '../../frame/geometry.ts';
import type { Mask } from '../../frame/mask.ts';
import { decodePolygons } from '../../frame/polygons.ts';
import type { PlannedPrompt } from '../../calls/planned-prompt.ts';

const runLengths = z.object({
  /** Height and width. */
  size: z.tuple([z.int().min(1), z.int().min(1)]),
  counts: z.union([z.string(), z.array(z.int().min(0))]),
});

/** `segmentation` of COCO and YouTube-VIS: outlines, or run lengths as text or as numbers. */
export const cocoSegmentation = z.union([z.array(z.array(z.number())), runLengths]);

/** `bbox` of COCO: x, y, width, height. */
export const cocoBox = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/**
 * A mask, or the box where there is no mask; null where neither has an area.
 *
 * Throws `usage` naming `where`.
 */
export function cocoShape(
  segmentation: z.infer<typeof cocoSegmentation> | null,
  box: z.infer<typeof cocoBox> | null,
  { size, where }: { readonly size: Size; readonly where: string },
): Partial<PlannedPrompt['prompts']> | null {
  const mask = segmentation === null ? null : maskOf(segmentation, size, where);
  if (mask !== null) return mask.area === 0 ? null : { mask };
  if (box === null) return null;
  const [x, y, width, height] = box;
  return width > 0 && height > 0 ? { box: { x, y, width, height } } : null;
}

/** Fills outlines of x0, y0, x1, y1, … Throws `usage` naming `where`. */
export function maskOfOutlines(
  outlines: readonly (readonly number[])[],
  { size, where }: { readonly size: Size; readonly where: string },
): Mask {
  return named(where, () => decodePolygons(outlines, size));
}

/** Null: no outlines at all. */
function maskOf(
  segmentation: z.infer<typeof cocoSegmentation>,
  size: Size,
  where: string,
): Mask | null {
  if (Array.isArray(segmentation)) {
    return segmentation.length === 0 ? null : maskOfOutlines(segmentation, { size, where });
  }
  const [height, width] = segmentation.size;
  if (!sameSize({ width, height }, size)) {
    throw usageError(
      `${where}: expected a mask of the picture's ${size.width} x ${size.height}, got ${width} x ${height}`,
    );
  }
  const { counts } = segmentation;
  const bytes = typeof counts === 'string' ? Buffer.from(counts, 'latin1') : encodeCocoRuns(counts);
  return named(where, () => decodeCocoRle(bytes, size));
}

/** What the vocabulary calls a wrong prompt is here a wrong file. */
function named(where: string, decode: () => Mask): Mask {
  try {
    return decode();
  } catch (reason) {
    if (!(reason instanceof SegmentationError)) throw reason;
    throw usageError(`${where}: ${reason.message}`);
  }
}
