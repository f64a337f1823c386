import { type DeliveredMask } from '../../frame/delivered-mask.ts';
import { encodeCocoRle } from '../../frame/coco-rle.ts';
import type { Mask } from '../../frame/mask.ts';
import type { DeliveredObject, MaskForm, ObjectOutput } from '../delivery-types.ts';

/**
 * Brings masks into the form in which they are sent. Encoding on the thread that made them spares the
 * main thread, which all streams share, both the work and the copy of all pixels.
 */
export function deliverObjects(
  objects: readonly ObjectOutput[],
  form: MaskForm,
): DeliveredObject[] {
  return objects.map(({ mask, ...object }) => ({ ...object, mask: deliverMask(mask, form) }));
}

function deliverMask(mask: Mask, form: MaskForm): DeliveredMask {
  if (form === 'pixels') return { form, mask };
  return { form, size: mask.size, counts: mask.area === 0 ? null : encodeCocoRle(mask) };
}
