import { SegmentationError } from '../../frame/errors.ts';
import { inflateExactly } from './inflate-exactly.ts';

/** One sample a pixel: the grey value at its own depth, or the palette index. */
export type PngPicture = {
  readonly width: number;
  readonly height: number;
  /** Row-major. */
  readonly samples: Uint8Array;
};

type Header = {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
};

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const grey = 0;
const palette = 3;

/**
 * Reads a grey or palette PNG of 1 to 8 bits without interlacing, which is what masks come in.
 * PNG libraries for Node inflate whatever a file holds and turn indexes into colours; this one
 * unpacks no more than the header says, skips everything but the pixels, and keeps the indexes.
 *
 * @throws SegmentationError `invalid-prompt`.
 */
export function readPng(file: Uint8Array, maxPixels: number): PngPicture {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (signature.some((byte, index) => file[index] !== byte)) throw invalid('other first bytes');
  let header: Header | null = null;
  const parts: Uint8Array[] = [];
  for (let at = signature.length; at + 12 <= file.length;) {
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    const data = file.subarray(at + 8, at + 8 + length);
    if (data.length < length) throw invalid('a file that ends early');
    if (type === 0x49484452) header = readHeader(data, maxPixels); // IHDR
    if (type === 0x49444154) parts.push(data); // IDAT
    if (type === 0x49454e44) break; // IEND
    at += 12 + length;
  }
  if (header === null) throw invalid('no header');
  return readRows(Buffer.concat(parts), header);
}

function readHeader(data: Uint8Array, maxPixels: number): Header {
  if (data.length !== 13) throw invalid(`a header of ${data.length} bytes`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [depth = 0, colourType = 0, , , interlaced = 0] = data.subarray(8);
  if (colourType !== grey && colourType !== palette) throw invalid(`colour type ${colourType}`);
  if (![1, 2, 4, 8].includes(depth)) throw invalid(`${depth} bits a sample`);
  if (interlaced !== 0) throw invalid('an interlaced file');
  if (width === 0 || height === 0 || width * height > maxPixels) {
    throw invalid(`${width} x ${height} pixels where at most ${maxPixels} are expected`);
  }
  return { width, height, depth };
}

function readRows(data: Uint8Array, { width, height, depth }: Header): PngPicture {
  const rowBytes = Math.ceil((width * depth) / 8);
  const rows = inflateExactly(data, (rowBytes + 1) * height);
  if (rows === null) throw invalid('pixel data that does not fit the header');
  const samples = new Uint8Array(width * height);
  let above = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const start = y * (rowBytes + 1);
    const row = rows.subarray(start + 1, start + 1 + rowBytes);
    unfilter(rows[start] ?? 0, row, above);
    unpack(row, depth, samples.subarray(y * width, (y + 1) * width));
    above = row as Uint8Array<ArrayBuffer>;
  }
  return { width, height, samples };
}

/** Undoes a row's filter in place (PNG, clause 9); at up to 8 bits the pixel before is one byte. */
function unfilter(filter: number, row: Uint8Array, above: Uint8Array): void {
  if (filter > 4) throw invalid(`filter ${filter}`);
  if (filter === 0) return;
  let left = 0;
  let aboveLeft = 0;
  for (let index = 0; index < row.length; index++) {
    const up = above[index] ?? 0;
    left = ((row[index] ?? 0) + predict(filter, { left, up, aboveLeft })) & 0xff;
    row[index] = left;
    aboveLeft = up;
  }
}

function predict(
  filter: number,
  { left, up, aboveLeft }: { left: number; up: number; aboveLeft: number },
): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const toLeft = Math.abs(up - aboveLeft);
  const toUp = Math.abs(left - aboveLeft);
  const toAboveLeft = Math.abs(left + up - 2 * aboveLeft);
  if (toLeft <= toUp && toLeft <= toAboveLeft) return left;
  return toUp <= toAboveLeft ? up : aboveLeft;
}

function unpack(row: Uint8Array, depth: number, samples: Uint8Array): void {
  if (depth === 8) {
    samples.set(row);
    return;
  }
  const mask = (1 << depth) - 1;
  for (let x = 0; x < samples.length; x++) {
    const bit = x * depth;
    samples[x] = ((row[bit >> 3] ?? 0) >> (8 - depth - (bit & 7))) & mask;
  }
}

function invalid(came: string): SegmentationError {
  return new SegmentationError(
    'invalid-prompt',
    `PNG must be grey or palette, 1 to 8 bits, not interlaced; got ${came}`,
  );
}
