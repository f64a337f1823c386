import { checkCocoRle, encodeCocoRle, type RunLengthMask } from '../../frame/coco-rle.ts';
import { SegmentationError } from '../../frame/errors.ts';
import type { Size } from '../../frame/geometry.ts';
import type { Mask } from '../../frame/mask.ts';
import type { Mask as WireMask } from '../../gen/maskstream/v1/common.ts';
import { decodeBitmap } from './bitmap.ts';
import { decodePng } from './png.ts';
import { decodePolygons } from '../../frame/polygons.ts';

/** What a client's mask may cost. */
export type MaskBounds = {
  readonly maxPixels: number;
  /** Of its run lengths. */
  readonly maxBytes: number;
};

/**
 * Reads a client's mask in any of its forms into the one in which masks are held. Memory and time
 * are bounded by the size that the message states, and that by `maxPixels`.
 *
 * @throws SegmentationError `invalid-prompt`.
 */
export function readMask(wire: WireMask, { maxPixels, maxBytes }: MaskBounds): RunLengthMask {
  const { width, height, data } = wire;
  if (width === 0 || height === 0 || width * height > maxPixels) {
    throw invalid(`mask must have 1..${maxPixels} pixels, got ${width} x ${height}`);
  }
  const size = { width, height };
  if (data?.$case === 'cocoRle') {
    const { counts } = data.value;
    if (counts.byteLength > maxBytes) {
      throw invalid(`mask must have at most ${maxBytes} bytes of run lengths, got more`);
    }
    // Run lengths stay what they are: no pixel is made.
    if (checkCocoRle(counts, size) === 0) throw nothingInside();
    return { size, counts: counts.slice() };
  }
  const mask = decodePixels(data, size);
  if (mask.area === 0) throw nothingInside();
  return { size, counts: encodeCocoRle(mask, maxBytes) };
}

function decodePixels(data: WireMask['data'], size: Size): Mask {
  switch (data?.$case) {
    case 'png':
      return decodePng(data.value, size);
    case 'bitmap':
      return decodeBitmap(data.value.zlibBits, size);
    case 'polygons':
      return decodePolygons(
        data.value.polygons.map((polygon) => polygon.coordinates),
        size,
      );
    case 'cocoRle':
    case undefined:
      throw invalid('mask must hold pixels in one of its forms, got none');
  }
}

function nothingInside(): SegmentationError {
  return invalid('mask must have pixels inside, got none');
}

function invalid(message: string): SegmentationError {
  return new SegmentationError('invalid-prompt', message);
}
