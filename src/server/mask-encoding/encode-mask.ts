import type { Mask } from '../../frame/mask.ts';
import { MaskEncoding, type Mask as WireMask } from '../../gen/maskstream/v1/common.ts';
import { encodeBitmap } from './bitmap.ts';
import { encodeCocoRle } from '../../frame/coco-rle.ts';
import { encodePng } from './png.ts';
import { encodePolygons } from '../../frame/polygons.ts';

/**
 * The mask in the form that the stream asked for; undefined where it is empty or not wanted.
 *
 * @param maxBytes bound for outlines, which need not be smaller than pixels. Default: none
 * @throws SegmentationError `frame-too-large` above it.
 */
export function encodeMask(
  mask: Mask,
  encoding: MaskEncoding,
  maxBytes = Infinity,
): WireMask | undefined {
  if (mask.area === 0) return undefined;
  const data = encodeData(mask, encoding, maxBytes);
  if (data === undefined) return undefined;
  return { width: mask.size.width, height: mask.size.height, data };
}

function encodeData(mask: Mask, encoding: MaskEncoding, maxBytes: number): WireMask['data'] {
  switch (encoding) {
    case MaskEncoding.MASK_ENCODING_UNSPECIFIED:
    case MaskEncoding.MASK_ENCODING_COCO_RLE:
      return { $case: 'cocoRle', value: { counts: encodeCocoRle(mask) } };
    case MaskEncoding.MASK_ENCODING_PNG:
      return { $case: 'png', value: encodePng(mask) };
    case MaskEncoding.MASK_ENCODING_BITMAP:
      return { $case: 'bitmap', value: { zlibBits: encodeBitmap(mask) } };
    case MaskEncoding.MASK_ENCODING_POLYGONS: {
      const polygons = encodePolygons(mask, maxBytes).map((coordinates) => ({ coordinates }));
      return { $case: 'polygons', value: { polygons } };
    }
    case MaskEncoding.MASK_ENCODING_NONE:
      return undefined;
  }
}
