import { encodeCocoRle } from '../frame/coco-rle.ts';
import type { Mask } from '../frame/mask.ts';

/** A mask as pycocotools decodes it, in JSON. */
export type CompressedMask = { readonly size: readonly [number, number]; readonly counts: string };

/** Run lengths in COCO's compressed text. */
export function compressedMask(mask: Mask): CompressedMask {
  const counts = new TextDecoder('latin1').decode(encodeCocoRle(mask));
  return { size: [mask.size.height, mask.size.width], counts };
}
