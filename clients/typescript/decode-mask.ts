import { inflateSync } from 'node:zlib';
import { decode as decodePng } from 'fast-png';
import type { Mask } from '../../src/gen/maskstream/v1/common.ts';
import { MaskstreamError } from '../core/maskstream-error.ts';
import { fillPolygons } from './mask-decoding/fill-polygons.ts';
import { fillRunLengths } from './mask-decoding/fill-run-lengths.ts';

/** A mask as pixels: 0 or 1, row-major from the top left. */
export type DecodedMask = {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
};

/**
 * Unpacks a mask of any encoding. Throws {@link MaskstreamError} `undecodable-mask` where the message
 * has no pixels or damaged ones.
 */
export function decodeMask(mask: Mask): DecodedMask {
  const { width, height } = mask;
  try {
    return { width, height, data: unpack(mask) };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new MaskstreamError('undecodable-mask', message, { cause });
  }
}

function unpack({ width, height, data }: Mask): Uint8Array {
  switch (data?.$case) {
    case 'cocoRle':
      return fillRunLengths(data.value.counts, { width, height });
    case 'png':
      return unpackPng(data.value);
    case 'bitmap':
      return unpackBits(data.value.zlibBits, { width, height });
    case 'polygons':
      return fillPolygons(
        data.value.polygons.map((polygon) => polygon.coordinates),
        { width, height },
      );
    case undefined:
      throw new Error('mask must hold pixels, got none: was it asked for with encoding none?');
  }
}

function unpackPng(file: Uint8Array): Uint8Array {
  const { data, channels } = decodePng(file);
  if (channels !== 1) throw new Error(`mask PNG must be grey, got ${channels} channels`);
  return Uint8Array.from(data, (sample) => (sample === 0 ? 0 : 1));
}

function unpackBits(
  zlibBits: Uint8Array,
  { width, height }: { width: number; height: number },
): Uint8Array {
  const packed = inflateSync(zlibBits);
  const rowBytes = Math.ceil(width / 8);
  const data = new Uint8Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to++) {
      data[to] = ((packed[y * rowBytes + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1;
    }
  }
  return data;
}
