import { deflateSync } from 'node:zlib';
import type { DecodedPng } from 'fast-png';
import { decode } from 'fast-png';
import { SegmentationError } from '../frame/errors.ts';
import type { Size } from '../frame/geometry.ts';
import type { IdPicture } from './id-picture.ts';
import { maskDeflateLevel, palettePng } from './palette-png.ts';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const greyType = 0;
const paletteType = 3;
/** Larger than any mask the service takes; keeps a forged header from asking for all memory. */
const maxPixels = 64 * 1024 * 1024;

/** Writes an 8-bit palette PNG whose index is the object id; see {@link palettePng}. */
export function writeIndexedPng(picture: IdPicture): Uint8Array {
  return palettePng(picture, (rows) => deflateSync(rows, { level: maskDeflateLevel }));
}

/**
 * Reads a palette or grey PNG of 1, 2, 4 or 8 bits; the stored value is the object id.
 *
 * Throws `unreadable-file` for anything else, naming `source`.
 */
export function readIndexedPng(bytes: Uint8Array, source: string): IdPicture {
  checkHeader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), source);
  let png: DecodedPng;
  try {
    png = decode(bytes);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw unreadable(
      source,
      `expected an intact PNG, got one that cannot be read: ${problem}`,
      cause,
    );
  }
  const size = { width: png.width, height: png.height };
  if (png.data instanceof Uint16Array) throw unreadable(source, 'expected 8 bits, got 16');
  return { size, ids: unpack(png.data, size, png.depth) };
}

/** Checks the fixed first bytes before a forged size or a true-colour picture is decoded. */
function checkHeader(file: Buffer, source: string): void {
  if (!file.subarray(0, 8).equals(signature) || file.length < 29) {
    throw unreadable(source, `expected a PNG, got bytes "${file.toString('hex', 0, 8)}"`);
  }
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const [depth, type] = [file.readUInt8(24), file.readUInt8(25)];
  if ((type !== greyType && type !== paletteType) || depth > 8) {
    throw unreadable(
      source,
      `expected a palette or grey PNG of at most 8 bits, got colour type ${type} of ${depth} bits`,
    );
  }
  const pixels = width * height;
  if (pixels === 0 || pixels > maxPixels) {
    throw unreadable(source, `expected 1 to ${maxPixels} pixels, got ${width} x ${height}`);
  }
}

/** The library leaves pixels of less than 8 bits packed, each row padded to bytes. */
function unpack(rows: Uint8Array | Uint8ClampedArray, size: Size, depth: number): Uint8Array {
  if (depth === 8) return new Uint8Array(rows);
  const ids = new Uint8Array(size.width * size.height);
  const perByte = 8 / depth;
  const stride = Math.ceil(size.width / perByte);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const byte = rows[y * stride + Math.floor(x / perByte)] ?? 0;
      ids[y * size.width + x] = (byte >> (8 - depth - (x % perByte) * depth)) & ((1 << depth) - 1);
    }
  }
  return ids;
}

function unreadable(source: string, problem: string, cause?: unknown): SegmentationError {
  return new SegmentationError('unreadable-file', `${source}: ${problem}`, { cause });
}
