import { deflateSync } from 'node:zlib';
import { decode as decodeWithFastPng, encode as encodeWithFastPng } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { decodeMask as decodeInClient } from '../../../clients/typescript/index.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import { emptyMask, type Mask, maskFromBitmap, maskToBitmap } from '../../../src/frame/mask.ts';
import { MaskEncoding, type Mask as WireMask } from '../../../src/gen/maskstream/v1/common.ts';
import { decodeCocoRle, encodeCocoRle } from '../../../src/frame/coco-rle.ts';
import { decodeMask, encodeMask } from '../../../src/server/mask-encoding/index.ts';
import { encodePng } from '../../../src/server/mask-encoding/png.ts';
import { readPng } from '../../../src/server/mask-encoding/png-reader.ts';
import { decodePolygons, encodePolygons } from '../../../src/server/mask-encoding/polygons.ts';

const maxPixels = 10_000_000;
const encodings = [
  MaskEncoding.MASK_ENCODING_COCO_RLE,
  MaskEncoding.MASK_ENCODING_PNG,
  MaskEncoding.MASK_ENCODING_BITMAP,
  MaskEncoding.MASK_ENCODING_POLYGONS,
] as const;

/** Rows of `.` and `#`. */
function drawn(...rows: string[]): Mask {
  const bitmap = Uint8Array.from(rows.join(''), (pixel) => (pixel === '#' ? 1 : 0));
  return maskFromBitmap(bitmap, { width: rows[0]?.length ?? 0, height: rows.length });
}

/** Reproducible numbers in [0, 1) (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Blobs, speckles, stripes, full pictures and single pixels, of all sizes up to 40 x 40. */
function randomMask(random: () => number): Mask {
  const width = 1 + Math.floor(random() * 40);
  const height = 1 + Math.floor(random() * 40);
  const bitmap = new Uint8Array(width * height);
  const density = random() < 0.1 ? 1 : random();
  for (let at = 0; at < bitmap.length; at++) bitmap[at] = random() < density ? 1 : 0;
  if (random() < 0.5) {
    const x0 = Math.floor(random() * width);
    const y0 = Math.floor(random() * height);
    for (let y = y0; y < height; y++)
      bitmap.fill(random() < 0.7 ? 1 : 0, y * width + x0, (y + 1) * width);
  }
  return maskFromBitmap(bitmap, { width, height });
}

/** rleEncode and rleToString of pycocotools' maskApi.c, line by line, as the reference. */
function textOfMaskApi(bitmap: Uint8Array, { width, height }: Size): string {
  const counts: number[] = [];
  let previous = 0;
  let count = 0;
  for (let at = 0; at < bitmap.length; at++) {
    const value = bitmap[(at % height) * width + Math.floor(at / height)];
    if (value !== previous) {
      counts.push(count);
      count = 0;
      previous = value ?? 0;
    }
    count++;
  }
  counts.push(count);
  let text = '';
  for (let index = 0; index < counts.length; index++) {
    let x = counts[index] ?? 0;
    if (index > 2) x -= counts[index - 2] ?? 0;
    for (let more = true; more;) {
      let code = x & 0x1f;
      x >>= 5;
      more = code & 0x10 ? x !== -1 : x !== 0;
      if (more) code |= 0x20;
      text += String.fromCharCode(code + 48);
    }
  }
  return text;
}

function countsOf(mask: Mask): string {
  return Buffer.from(encodeCocoRle(mask)).toString('latin1');
}

/** Shoelace area; with y down, positive is clockwise on the screen. */
function areaOf(corners: readonly number[]): number {
  let twice = 0;
  for (let at = 0; at < corners.length; at += 2) {
    const next = (at + 2) % corners.length;
    const [x0 = 0, y0 = 0] = corners.slice(at);
    const [x1 = 0, y1 = 0] = corners.slice(next);
    twice += x0 * y1 - x1 * y0;
  }
  return twice / 2;
}

function onWire(mask: Mask, data: WireMask['data']): WireMask {
  return { width: mask.size.width, height: mask.size.height, data };
}

describe('all encodings', () => {
  test('random masks come back the same, from the server and in the client', () => {
    const random = generator(1);
    let compared = 0;
    for (let round = 0; round < 400; round++) {
      const mask = randomMask(random);
      if (mask.area === 0) continue;
      for (const encoding of encodings) {
        const wire = encodeMask(mask, encoding);
        expect(wire).toBeDefined();
        if (wire === undefined) continue;
        const decoded = decodeMask(wire, maxPixels);
        // Element by element, matchers take longer than everything else here.
        const same =
          decoded.area === mask.area &&
          Buffer.from(maskToBitmap(decoded)).equals(maskToBitmap(mask)) &&
          Buffer.from(decodeInClient(wire).data).equals(maskToBitmap(mask));
        expect(same).toBe(true);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(1000);
  });

  test('an empty mask is left out', () => {
    for (const encoding of encodings) {
      expect(encodeMask(emptyMask({ width: 4, height: 4 }), encoding)).toBeUndefined();
    }
  });

  test('a mask of no pixels, of too many, or without data is refused', () => {
    const mask = drawn('#');
    const wire = onWire(mask, { $case: 'cocoRle', value: { counts: encodeCocoRle(mask) } });
    expect(() => decodeMask({ ...wire, width: 0 }, maxPixels)).toThrow('got 0 x 1');
    expect(() => decodeMask({ ...wire, width: 2 ** 31, height: 2 ** 31 }, maxPixels)).toThrow(
      'pixels',
    );
    expect(() => decodeMask({ ...wire, data: undefined }, maxPixels)).toThrow('got none');
  });
});

describe('COCO run lengths', () => {
  test('are the text that pycocotools writes', () => {
    const random = generator(3);
    for (let round = 0; round < 300; round++) {
      const mask = randomMask(random);
      expect(countsOf(mask)).toBe(textOfMaskApi(maskToBitmap(mask), mask.size));
    }
    expect(countsOf(drawn('...', '...', '...'))).toBe('9');
    expect(countsOf(drawn('###', '###', '###'))).toBe('09');
  });

  test('of another number of pixels are refused', () => {
    const counts = encodeCocoRle(drawn('.#.', '.##'));
    expect(() => decodeCocoRle(counts, { width: 3, height: 3 })).toThrow('got 6 pixels');
    expect(() => decodeCocoRle(counts, { width: 2, height: 2 })).toThrow('COCO run lengths');
    expect(() => decodeCocoRle(Buffer.from('\u0001'), { width: 2, height: 2 })).toThrow(
      'invalid byte',
    );
    expect(() => decodeCocoRle(Buffer.from('ooooooooooo'), { width: 2, height: 2 })).toThrow(
      'invalid byte',
    );
  });
});

describe('PNG', () => {
  test('is 8-bit grey with 0 and 255', () => {
    const picture = decodeWithFastPng(encodePng(drawn('.#.', '##.')));
    expect(picture).toMatchObject({ width: 3, height: 2, depth: 8, channels: 1 });
    expect([...picture.data]).toEqual([0, 255, 0, 255, 255, 0]);
  });

  test('of another writer is read, with every filter', () => {
    const random = generator(2);
    const data = Uint8Array.from({ length: 50 * 20 }, () => Math.floor(random() * 256));
    const file = encodeWithFastPng({ width: 50, height: 20, data, channels: 1, depth: 8 });
    expect(readPng(file, 1000).samples).toEqual(data);
    for (const filter of [1, 2, 3, 4]) {
      const { rows, samples } = filtered(filter, random);
      expect({ filter, ...readPng(pngOf({ rows, colourType: 0 }), 1000) }).toMatchObject({
        filter,
        samples,
      });
    }
  });

  test('with a palette gives its indexes', () => {
    const rows = Uint8Array.from([0, 0b0001_1011, 0, 0b1110_0100]);
    const file = pngOf({ rows, colourType: 3, depth: 2, width: 4, height: 2 });
    expect([...readPng(file, 100).samples]).toEqual([0, 1, 2, 3, 3, 2, 1, 0]);
  });

  test('that unpacks to more than its header says is refused before it is unpacked', () => {
    const bomb = pngOf({ rows: new Uint8Array(100_000_000), colourType: 0 });
    expect(bomb.length).toBeLessThan(1_000_000);
    const before = process.memoryUsage().rss;
    expect(() => readPng(bomb, 1000)).toThrow('pixel data that does not fit the header');
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
  });

  test('in colour, interlaced, cut short, or none at all is refused', () => {
    const rows = new Uint8Array(9 * 8);
    expect(() => readPng(pngOf({ rows, colourType: 2 }), 1000)).toThrow('colour type 2');
    expect(() => readPng(pngOf({ rows, colourType: 0, interlaced: 1 }), 1000)).toThrow(
      'interlaced file',
    );
    expect(() => readPng(pngOf({ rows, colourType: 0 }).subarray(0, 45), 1000)).toThrow(
      'ends early',
    );
    expect(() => readPng(new Uint8Array(0), 1000)).toThrow('other first bytes');
  });
});

describe('bitmap', () => {
  test('is row-major, most significant bit first, rows padded to bytes', () => {
    const zlibBits = deflateSync(Uint8Array.from([0b1000_0000, 0b0100_0000, 0, 0b1000_0000]));
    const wire = { width: 10, height: 2, data: { $case: 'bitmap' as const, value: { zlibBits } } };
    const mask = decodeMask(wire, maxPixels);
    expect(maskToBitmap(mask)).toEqual(maskToBitmap(drawn('#........#', '........#.')));
  });

  test('that unpacks to more than its size is refused', () => {
    const zlibBits = deflateSync(new Uint8Array(20_000_000));
    const wire = { width: 8, height: 8, data: { $case: 'bitmap' as const, value: { zlibBits } } };
    expect(() => decodeMask(wire, maxPixels)).toThrow('bitmap must be 8 bytes');
  });
});

describe('polygons', () => {
  test('run clockwise on the screen around objects and the other way around holes', () => {
    const outlines = encodePolygons(drawn('####', '#..#', '####'));
    expect(outlines.map(areaOf)).toEqual([12, -2]);
  });

  test('of pixels that touch by a corner stay apart', () => {
    expect(encodePolygons(drawn('#.', '.#')).map(areaOf)).toEqual([1, 1]);
  });

  test('hold corners only', () => {
    expect(encodePolygons(drawn('....', '.##.', '.##.', '....'))).toEqual([
      [3, 3, 1, 3, 1, 1, 3, 1],
    ]);
  });

  test('with slanted edges fill the pixels whose centre is inside', () => {
    const mask = decodePolygons([[0, 0, 4, 0, 1, 4, 0, 4]], { width: 4, height: 4 });
    expect(mask).toEqual(drawn('####', '###.', '##..', '#...'));
  });

  test('that leave the picture are cut off', () => {
    const mask = decodePolygons([[-5, -5, 9, -5, 9, 2, -5, 2]], { width: 3, height: 3 });
    expect(mask).toEqual(drawn('###', '###', '...'));
  });

  test('with less than three corners or too much work in them are refused', () => {
    const size = { width: 100, height: 100 };
    expect(() => decodePolygons([[1, 1, 2, 2]], size)).toThrow('3 or more corners');
    const zigzag = Array.from({ length: 4000 }, (_, at) => [at % 100, at % 2 === 0 ? 0 : 100]);
    expect(() => decodePolygons([zigzag.flat()], size)).toThrow('simpler');
  });
});

/** A PNG file around rows that already have their filter bytes. 8 x 8 at 8 bits by default. */
function pngOf(options: {
  rows: Uint8Array;
  colourType: number;
  depth?: number;
  width?: number;
  height?: number;
  interlaced?: number;
}): Buffer {
  const { rows, colourType, depth = 8, width = 8, height = 8, interlaced = 0 } = options;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, interlaced], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** 8 x 8 random samples, and their rows under one filter (PNG, clause 9.2). */
function filtered(filter: number, random: () => number): { rows: Uint8Array; samples: Uint8Array } {
  const samples = Uint8Array.from({ length: 64 }, () => Math.floor(random() * 256));
  const rows = new Uint8Array(9 * 8);
  const sample = (x: number, y: number) => (x < 0 || y < 0 ? 0 : (samples[y * 8 + x] ?? 0));
  for (let y = 0; y < 8; y++) {
    rows[y * 9] = filter;
    for (let x = 0; x < 8; x++) {
      const [a, b, c] = [sample(x - 1, y), sample(x, y - 1), sample(x - 1, y - 1)];
      const nearest = [a, b, c].reduce((best, value) =>
        Math.abs(a + b - c - value) < Math.abs(a + b - c - best) ? value : best,
      );
      const prediction = [0, a, b, (a + b) >> 1, nearest][filter] ?? 0;
      rows[y * 9 + 1 + x] = sample(x, y) - prediction;
    }
  }
  return { rows, samples };
}

/** A PNG chunk with a checksum of 0. */
function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  return bytes;
}
