import { SegmentationError } from '../../frame/errors.ts';
import type { Mask } from '../../frame/mask.ts';
import type { Mask as WireMask } from '../../gen/maskstream/v1/common.ts';
import { decodeBitmap } from './bitmap.ts';
import { decodeCocoRle } from '../../frame/coco-rle.ts';
import { decodePng } from './png.ts';
import { decodePolygons } from './polygons.ts';

/**
 * Reads a client's mask in any of its forms. Memory and time are bounded by the size that the
 * message states, and that by `maxPixels`.
 *
 * @throws SegmentationError `invalid-prompt`.
 */
export function decodeMask(wire: WireMask, maxPixels: number): Mask {
  const { width, height, data } = wire;
  if (width === 0 || height === 0 || width * height > maxPixels) {
    throw invalid(`mask must have 1..${maxPixels} pixels, got ${width} x ${height}`);
  }
  const mask = decodeData(data, { width, height });
  if (mask.area === 0) throw invalid('mask must have pixels inside, got none');
  return mask;
}

function decodeData(data: WireMask['data'], size: { width: number; height: number }): Mask {
  switch (data?.$case) {
    case 'cocoRle':
      return decodeCocoRle(data.value.counts, size);
    case 'png':
      return decodePng(data.value, size);
    case 'bitmap':
      return decodeBitmap(data.value.zlibBits, size);
    case 'polygons':
      return decodePolygons(
        data.value.polygons.map((polygon) => polygon.coordinates),
        size,
      );
    case undefined:
      throw invalid('mask must hold pixels in one of its forms, got none');
  }
}

function invalid(message: string): SegmentationError {
  return new SegmentationError('invalid-prompt', message);
}
