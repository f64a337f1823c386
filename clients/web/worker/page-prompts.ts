import { encodeCocoRle } from '../../../src/frame/coco-rle.ts';
import { maskFromBitmap } from '../../../src/frame/mask.ts';
import type { Mask } from '../../../src/gen/maskstream/v1/common.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import type { PromptOptions } from '../../core/requests.ts';
import type { PagePrompt } from '../messages.ts';

/** A prompt of the page as clients state it. @param size display size */
export function toPromptOptions(prompt: PagePrompt, size: Size): PromptOptions {
  const { objectId, action, frameIndex, points, box, mask, text, label } = prompt;
  return {
    objectId,
    action,
    ...(frameIndex === null ? {} : { at: { frameIndex } }),
    points: points.map(({ x, y, positive }) => ({
      x,
      y,
      label: positive ? ('positive' as const) : ('negative' as const),
    })),
    ...(box === null ? {} : { box }),
    ...(mask === null ? {} : { mask: toWireMask(mask, size) }),
    ...(text === null ? {} : { text }),
    ...(label === null ? {} : { label }),
  };
}

function toWireMask(bitmap: Uint8Array, size: Size): Mask {
  const counts = encodeCocoRle(maskFromBitmap(bitmap, size));
  return { ...size, data: { $case: 'cocoRle', value: { counts } } };
}
