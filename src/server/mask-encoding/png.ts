import { constants, deflateSync } from 'node:zlib';
import { SegmentationError } from '../../frame/errors.ts';
import { freeMemory } from '../../frame/free-memory.ts';
import type { Size } from '../../frame/geometry.ts';
import { type Mask, maskFromBitmap } from '../../frame/mask.ts';
import { crc32 } from '../../frame/crc32.ts';
import { readPng } from './png-reader.ts';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** An 8-bit grey PNG of the whole picture, 0 outside and 255 inside. */
export function encodePng(mask: Mask): Uint8Array<ArrayBuffer> {
  const { width, height } = mask.size;
  const rowBytes = width + 1; // each row begins with its filter: 0, none
  const rows = new Uint8Array(rowBytes * height);
  if (mask.box !== null) {
    const { bits, box } = mask;
    const { x, y } = box;
    for (let row = 0, from = 0; row < box.height; row++) {
      let to = (y + row) * rowBytes + 1 + x;
      for (let column = 0; column < box.width; column++) rows[to++] = -(bits[from++] ?? 0);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits a sample; colour type 0 = grey, no interlacing
  // Masks are runs, which is all that Z_RLE looks for.
  const data = deflateSync(rows, { level: 1, strategy: constants.Z_RLE });
  freeMemory(rows);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/**
 * Reads a grey or palette PNG of `size`; non-zero samples and indexes are inside.
 *
 * @throws SegmentationError `invalid-prompt`.
 */
export function decodePng(file: Uint8Array, size: Size): Mask {
  const picture = readPng(file, size.width * size.height);
  if (picture.width !== size.width || picture.height !== size.height) {
    throw new SegmentationError(
      'invalid-prompt',
      `PNG must be ${size.width} x ${size.height}, got ${picture.width} x ${picture.height}`,
    );
  }
  return maskFromBitmap(picture.samples, size);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}
