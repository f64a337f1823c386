import { encodeCocoRle } from '../frame/coco-rle.ts';
import type { Size } from '../frame/geometry.ts';
import type { Mask } from '../frame/mask.ts';
import type { ObjectOutput, OutputOptions } from './render-objects.ts';

/** How masks leave the tracking thread: as pixels, or as COCO's run lengths, a hundredth of that. */
export type MaskForm = 'pixels' | 'coco-rle';

/** What a delivery asks for. */
export type DeliveryOptions = OutputOptions & { readonly form: MaskForm };

/** A mask as it leaves the tracking thread. */
export type DeliveredMask =
  | { readonly form: 'pixels'; readonly mask: Mask }
  | {
      readonly form: 'coco-rle';
      readonly size: Size;
      /** Compressed counts; null where the mask is empty. */
      readonly counts: Uint8Array | null;
    };

/** One object as it leaves the tracking thread. */
export type DeliveredObject = Omit<ObjectOutput, 'mask'> & { readonly delivered: DeliveredMask };

/**
 * Brings masks into the form in which they are sent. Encoding on the thread that made them spares the
 * main thread, which all streams share, both the work and the copy of all pixels.
 */
export function deliverObjects(
  objects: readonly ObjectOutput[],
  form: MaskForm,
): DeliveredObject[] {
  return objects.map(({ mask, ...object }) => ({ ...object, delivered: deliverMask(mask, form) }));
}

function deliverMask(mask: Mask, form: MaskForm): DeliveredMask {
  if (form === 'pixels') return { form, mask };
  return { form, size: mask.size, counts: mask.area === 0 ? null : encodeCocoRle(mask) };
}
