import { crc32 } from './crc32.ts';
import { deflateSync, inflateSync } from 'node:zlib';
import { SegmentationError } from '../frame/errors.ts';
import type { Size } from '../frame/geometry.ts';

/** A picture of object ids: one byte a pixel, row-major, 0 = background. */
export type IdPicture = { readonly size: Size; readonly ids: Uint8Array };

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const greyType = 0;
const paletteType = 3;
/** Masks are long runs: level 3 is 1.5 times as fast as 6 and costs a few per cent in size. */
const deflateLevel = 3;
/** Larger than any mask the service takes; keeps a forged header from asking for all memory. */
const maxPixels = 64 * 1024 * 1024;

/**
 * Writes an 8-bit palette PNG whose index is the object id. Libraries expand or re-order palettes,
 * and the index is the answer here.
 */
export function writeIndexedPng(picture: IdPicture): Buffer {
  const { width, height } = picture.size;
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    rows.set(picture.ids.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, paletteType, 0, 0, 0], 8);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(rows, { level: deflateLevel })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/**
 * Reads a palette or grey PNG of 1, 2, 4 or 8 bits; the stored value is the object id.
 *
 * Throws `unreadable-file` for anything else, naming `source`.
 */
export function readIndexedPng(bytes: Uint8Array, source: string): IdPicture {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { header, data } = readChunks(file, source);
  const size = { width: header.readUInt32BE(0), height: header.readUInt32BE(4) };
  const depth = header.readUInt8(8);
  const type = header.readUInt8(9);
  if ((type !== greyType && type !== paletteType) || depth > 8 || header.readUInt8(12) !== 0) {
    throw unreadable(
      source,
      `expected a palette or grey PNG of at most 8 bits, not interlaced, got colour type ${type} of ${depth} bits`,
    );
  }
  const pixels = size.width * size.height;
  if (pixels === 0 || pixels > maxPixels) {
    throw unreadable(
      source,
      `expected 1 to ${maxPixels} pixels, got ${size.width} x ${size.height}`,
    );
  }
  const stride = Math.ceil((size.width * depth) / 8);
  const rows = inflate(data, (stride + 1) * size.height, source);
  unfilter(rows, stride, size.height, source);
  return { size, ids: unpack(rows, size, stride, depth) };
}

function readChunks(file: Buffer, source: string): { header: Buffer; data: Buffer } {
  if (!file.subarray(0, 8).equals(signature)) {
    throw unreadable(source, `expected a PNG file, got ${file.subarray(0, 4).toString('hex')}…`);
  }
  let header: Buffer | undefined;
  const data: Buffer[] = [];
  for (let at = 8; at + 12 <= file.length;) {
    const length = file.readUInt32BE(at);
    const kind = file.toString('latin1', at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') header = body;
    if (kind === 'IDAT') data.push(body);
    if (kind === 'IEND') break;
    at += length + 12;
  }
  if (header?.length !== 13 || data.length === 0) {
    throw unreadable(source, 'expected a complete PNG, got one without header or pixels');
  }
  return { header, data: Buffer.concat(data) };
}

function inflate(data: Buffer, expectedBytes: number, source: string): Buffer {
  let rows: Buffer;
  try {
    rows = inflateSync(data, { maxOutputLength: expectedBytes });
  } catch (error) {
    throw unreadable(source, 'expected intact PNG pixel data, got a damaged stream', error);
  }
  if (rows.length !== expectedBytes) {
    throw unreadable(source, `expected ${expectedBytes} bytes of pixels, got ${rows.length}`);
  }
  return rows;
}

/** Undoes the row filters in place; up to 8 bits a pixel the neighbour is always one byte back. */
function unfilter(rows: Buffer, stride: number, height: number, source: string): void {
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1) + 1;
    const filter = rows[start - 1] ?? 0;
    if (filter > 4) throw unreadable(source, `expected a row filter of 0 to 4, got ${filter}`);
    for (let x = 0; x < stride && filter !== 0; x++) {
      const at = start + x;
      const left = x > 0 ? (rows[at - 1] ?? 0) : 0;
      const up = y > 0 ? (rows[at - stride - 1] ?? 0) : 0;
      const corner = x > 0 && y > 0 ? (rows[at - stride - 2] ?? 0) : 0;
      rows[at] = (rows[at] ?? 0) + predict(filter, left, up, corner);
    }
  }
}

function predict(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  // Paeth: the neighbour nearest to left + up - corner.
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function unpack(rows: Buffer, size: Size, stride: number, depth: number): Uint8Array {
  const ids = new Uint8Array(size.width * size.height);
  const perByte = 8 / depth;
  const mask = (1 << depth) - 1;
  for (let y = 0; y < size.height; y++) {
    const row = y * (stride + 1) + 1;
    for (let x = 0; x < size.width; x++) {
      const byte = rows[row + Math.floor(x / perByte)] ?? 0;
      ids[y * size.width + x] = (byte >> (8 - depth - (x % perByte) * depth)) & mask;
    }
  }
  return ids;
}

function chunk(kind: string, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(body.length + 12);
  bytes.writeUInt32BE(body.length, 0);
  bytes.write(kind, 4, 'latin1');
  bytes.set(body, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, body.length + 8)), body.length + 8);
  return bytes;
}

function unreadable(source: string, problem: string, cause?: unknown): SegmentationError {
  return new SegmentationError('unreadable-file', `${source}: ${problem}`, { cause });
}

/** Colour of an object id: the PASCAL VOC palette, which DAVIS uses too. */
export function idColour(id: number): readonly [number, number, number] {
  let [red, green, blue] = [0, 0, 0];
  for (let bit = 7, rest = id; bit >= 0 && rest > 0; bit--, rest >>= 3) {
    red |= (rest & 1) << bit;
    green |= ((rest >> 1) & 1) << bit;
    blue |= ((rest >> 2) & 1) << bit;
  }
  return [red, green, blue];
}

const palette = Buffer.from(Array.from({ length: 256 }, (_, id) => idColour(id)).flat());
