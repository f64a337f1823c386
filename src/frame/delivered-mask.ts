import { decodeCocoRle, runLengthsOf, type RunLengthMask } from './coco-rle.ts';
import type { Size } from './geometry.ts';
import { emptyMask, type Mask } from './mask.ts';

/** A mask as it leaves the tracking thread: as pixels, or as run lengths, a hundredth of that. */
export type DeliveredMask =
  | { readonly form: 'pixels'; readonly mask: Mask }
  | {
      readonly form: 'coco-rle';
      readonly size: Size;
      /** COCO's compressed counts; null where the mask is empty. */
      readonly counts: Uint8Array | null;
    };

/** The pixels of a delivered mask; from run lengths they are made anew by every call. */
export function maskPixels(delivered: DeliveredMask): Mask {
  if (delivered.form === 'pixels') return delivered.mask;
  const { size, counts } = delivered;
  return counts === null ? emptyMask(size) : decodeCocoRle(counts, size);
}

/** The run lengths of a delivered mask, made only where it has pixels; null where it is empty. */
export function maskRunLengths(delivered: DeliveredMask): RunLengthMask | null {
  if (delivered.form === 'pixels') {
    return delivered.mask.area === 0 ? null : runLengthsOf(delivered.mask);
  }
  const { size, counts } = delivered;
  return counts === null ? null : { size, counts };
}
