import { deflateSync } from 'node:zlib';
import { encode as encodeWithFastPng } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { readPng } from '../../../src/server/mask-encoding/png-reader.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

describe('a PNG', () => {
  test('of another writer is read, with every filter', () => {
    const random = randomNumbers(2);
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
