import { describe, expect, test } from 'vitest';
import { exifOrientation, uprightFilters } from '../../../src/video/headers/exif-orientation.ts';
import type { ImageFormat } from '../../../src/video/stream-format.ts';
import { noiseBytes } from '../../fixtures/noise-bytes.ts';

type Order = 'little' | 'big';

/** A TIFF directory with one tag before the orientation (Exif 2.32, 4.6.2). */
function tiffOf(orientation: number, order: Order): Buffer {
  const bytes = Buffer.alloc(8 + 2 + 2 * 12 + 4);
  const u16 = (value: number, at: number) =>
    order === 'little' ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const u32 = (value: number, at: number) =>
    order === 'little' ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  bytes.write(order === 'little' ? 'II' : 'MM', 'latin1');
  u16(42, 2);
  u32(8, 4);
  u16(2, 8);
  for (const [entry, tag, value] of [
    [10, 0x0100, 64],
    [22, 0x0112, orientation],
  ] as const) {
    u16(tag, entry);
    u16(3, entry + 2);
    u32(1, entry + 4);
    u16(value, entry + 8);
  }
  return bytes;
}

function jpegSegment(marker: number, body: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

function pngChunk(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, Buffer.from(type, 'latin1'), body, Buffer.alloc(4)]);
}

/** RIFF pads chunks to an even length. */
function riffChunk(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from(type, 'latin1'), length, body, Buffer.alloc(body.length & 1)]);
}

/** The file around a TIFF header, with another segment or chunk before it. */
const files: Readonly<Record<ImageFormat, (tiff: Buffer) => Buffer>> = {
  jpeg: (tiff) =>
    Buffer.concat([
      Buffer.from([0xff, 0xd8]),
      jpegSegment(0xe0, Buffer.from('JFIF\0')),
      jpegSegment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), tiff])),
      Buffer.from([0xff, 0xda, 0, 2]),
    ]),
  png: (tiff) =>
    Buffer.concat([
      Buffer.alloc(8),
      pngChunk('IHDR', Buffer.alloc(13)),
      pngChunk('eXIf', tiff),
      pngChunk('IDAT', Buffer.alloc(3)),
    ]),
  webp: (tiff) =>
    Buffer.concat([Buffer.alloc(12), riffChunk('VP8 ', Buffer.alloc(5)), riffChunk('EXIF', tiff)]),
};
const formats = ['jpeg', 'png', 'webp'] as const;

describe.each(formats)('in a %s', (format) => {
  test.each(['little', 'big'] as const)('all eight are read, %s-endian', (order) => {
    const all = [1, 2, 3, 4, 5, 6, 7, 8];
    const read = all.map((n) => exifOrientation(files[format](tiffOf(n, order)), format));
    expect(read).toEqual(all);
  });

  test('a file without it is upright', () => {
    const tiff = tiffOf(6, 'little');
    tiff.writeUInt16LE(0x0101, 22);
    expect(exifOrientation(files[format](tiff), format)).toBe(1);
    expect(exifOrientation(new Uint8Array(0), format)).toBe(1);
  });

  test('a file that is cut short anywhere is upright or right, and never an error', () => {
    const file = files[format](tiffOf(6, 'big'));
    const read = Array.from(file, (_, end) => exifOrientation(file.subarray(0, end), format));
    expect(new Set(read)).toEqual(new Set([1, 6]));
  });

  test('noise behind its first bytes is never an error, and ends', () => {
    const noise = noiseBytes(64 * 1024);
    const file = files[format](tiffOf(6, 'big'));
    for (let seed = 0; seed < 300; seed++) {
      const start = 12 + (seed % (file.length - 12));
      const broken = Buffer.concat([file.subarray(0, start), noise.subarray(seed * 200)]);
      expect(Number.isInteger(exifOrientation(broken, format))).toBe(true);
    }
  });
});

test('the prefix of JPEG before a WebP’s EXIF is passed over', () => {
  const tiff = Buffer.concat([Buffer.from('Exif\0\0'), tiffOf(8, 'little')]);
  expect(exifOrientation(files.webp(tiff), 'webp')).toBe(8);
});

test('fill bytes before a JPEG’s marker are passed over', () => {
  // ITU-T T.81, B.1.1.2: any marker may be preceded by any number of FF bytes.
  const file = files.jpeg(tiffOf(3, 'big'));
  const filled = Buffer.concat([file.subarray(0, 2), Buffer.from([0xff, 0xff]), file.subarray(2)]);
  expect(exifOrientation(filled, 'jpeg')).toBe(3);
});

test('EXIF behind the first scan is not of this picture', () => {
  const file = files.jpeg(tiffOf(6, 'little'));
  const scan = Buffer.from([0xff, 0xda, 0, 2]);
  const late = Buffer.concat([file.subarray(0, 2), scan, file.subarray(2)]);
  expect(exifOrientation(late, 'jpeg')).toBe(1);
});

test('what is no orientation needs no filter', () => {
  expect([0, 1, 9, 0xffff].map(uprightFilters)).toEqual([[], [], [], []]);
});
