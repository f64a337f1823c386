import { convertIndexedToRgb, decode, encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../src/frame/crc32.ts';
import { idColour } from '../../src/formats/palette-png.ts';
import { readIndexedPng, writeIndexedPng } from '../../src/formats/indexed-png.ts';
import { SegmentationError } from '../../src/frame/errors.ts';

function picture(width: number, height: number) {
  const ids = Uint8Array.from({ length: width * height }, (_, at) => (at * 7 + (at >> 3)) % 256);
  return { size: { width, height }, ids };
}

describe('indexed PNG', () => {
  test('what is written is read back, whatever the width', () => {
    for (const width of [1, 7, 8, 33]) {
      const before = picture(width, 5);
      expect(readIndexedPng(writeIndexedPng(before), 'x.png')).toEqual(before);
    }
  });

  test('another decoder sees the palette colour of every id', () => {
    const { size, ids } = picture(40, 13);
    const decoded = decode(writeIndexedPng({ size, ids }), { checkCrc: true });
    expect([decoded.width, decoded.height, decoded.depth]).toEqual([40, 13, 8]);
    expect([...convertIndexedToRgb(decoded)]).toEqual([...ids].flatMap((id) => [...idColour(id)]));
  });

  test('ids have the colours of DAVIS', () => {
    expect([0, 1, 2, 3, 4].map(idColour)).toEqual([
      [0, 0, 0],
      [128, 0, 0],
      [0, 128, 0],
      [128, 128, 0],
      [0, 0, 128],
    ]);
  });

  test('grey files of another writer are read', () => {
    const { size, ids } = picture(21, 9);
    const bytes = encode({ ...size, data: ids, depth: 8, channels: 1 });
    expect(readIndexedPng(bytes, 'grey.png')).toEqual({ size, ids });
  });

  test.each([1, 2, 4] as const)('small palettes of %i bits are unpacked', (depth) => {
    const size = { width: 11, height: 3 };
    const stride = Math.ceil((size.width * depth) / 8);
    const rows = Uint8Array.from({ length: stride * size.height }, (_, at) => (at * 89 + 27) % 256);
    const bits = [...rows].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    const expected = Array.from({ length: 33 }, (_, at) => {
      const start = Math.floor(at / 11) * stride * 8 + (at % 11) * depth;
      return Number.parseInt(bits.slice(start, start + depth), 2);
    });
    const palette = Array.from(
      { length: 2 ** depth },
      (_, id) => [id, id, id] as [number, number, number],
    );
    const bytes = encode({ ...size, data: rows, depth, channels: 1, palette });
    expect([...readIndexedPng(bytes, 'small.png').ids]).toEqual(expected);
  });

  test('a picture in true colour, a damaged file and another format are refused by name', () => {
    const colour = encode({ width: 4, height: 4, data: new Uint8Array(48), channels: 3 });
    const whole = writeIndexedPng(picture(30, 30));
    const damaged = whole.subarray(0, whole.length - 400);
    for (const bytes of [colour, damaged, Buffer.from('GIF89a….....'), Buffer.alloc(0)]) {
      expect(() => readIndexedPng(bytes, 'odd.png')).toThrow(SegmentationError);
      expect(() => readIndexedPng(bytes, 'odd.png')).toThrow(/^odd\.png: expected/);
    }
  });
});

test('CRC-32 has its check value', () => {
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
});
