import { zlibSync } from 'fflate';
import { crc32 } from '../frame/crc32.ts';
import type { IdPicture } from './id-picture.ts';

/** Packs bytes as zlib does (RFC 1950). */
export type Deflate = (bytes: Uint8Array) => Uint8Array;

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const paletteType = 3;

/** Masks are long runs: level 3 is 1.5 times as fast as 6 and costs a few per cent in size. */
export const maskDeflateLevel = 3;

/**
 * Writes an 8-bit palette PNG whose index is the object id. Libraries expand or re-order palettes,
 * and the index is the answer here. Runs in browsers too.
 *
 * @param deflate a faster zlib than the portable one, where the platform has it
 */
export function palettePng(
  { size, ids }: IdPicture,
  deflate: Deflate = (bytes) => zlibSync(bytes, { level: maskDeflateLevel }),
): Uint8Array<ArrayBuffer> {
  const { width, height } = size;
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) {
    rows.set(ids.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, paletteType, 0, 0, 0], 8);
  return concat([
    Uint8Array.from(signature),
    chunk('IHDR', header),
    chunk('PLTE', palette),
    chunk('IDAT', deflate(rows)),
    chunk('IEND', new Uint8Array()),
  ]);
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

const palette = Uint8Array.from(Array.from({ length: 256 }, (_, id) => idColour(id)).flat());

function chunk(kind: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(body, 8);
  view.setUint32(body.length + 8, crc32(bytes.subarray(4, body.length + 8)));
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
