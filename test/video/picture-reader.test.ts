import { expect, test } from 'vitest';
import { allOf, PictureReader, type PlaneWindow } from '../../src/video/picture-reader.ts';
import { noiseBytes } from '../fixtures/noise-bytes.ts';
import { randomNumbers } from '../../bench/support/random-numbers.ts';

/** Three planes of a 4:2:0 picture of 10 x 6 in the corner of a canvas of 16 x 16. */
function planes(): PlaneWindow[] {
  return [
    [16, 10, 6],
    [8, 5, 3],
    [8, 5, 3],
  ].map(([stride = 0, rowBytes = 0, rows = 0]) => ({
    target: new Uint8Array(rowBytes * rows),
    strideBytes: stride,
    canvasRows: stride,
    rowBytes,
    rows,
  }));
}

const pictureBytes = 16 * 16 + 2 * 8 * 8;

/** What the planes hold of a picture, byte by byte. */
function expectedOf(bytes: Uint8Array): Uint8Array[] {
  let start = 0;
  return planes().map(({ strideBytes, canvasRows, rowBytes, rows }) => {
    const from = start;
    start += strideBytes * canvasRows;
    return Uint8Array.from({ length: rowBytes * rows }, (_, at) => {
      const row = Math.floor(at / rowBytes);
      return bytes[from + row * strideBytes + (at % rowBytes)]!;
    });
  });
}

test('pictures are cut out of reads of any size', () => {
  const random = randomNumbers(8);
  const bytes = noiseBytes(3 * pictureBytes);
  for (let round = 0; round < 40; round++) {
    const reader = new PictureReader();
    const pictures = [planes(), planes(), planes()];
    let picture = -1;
    for (let at = 0; at < bytes.length;) {
      const read = bytes.subarray(at, at + 1 + Math.floor(random() * 2 ** (round % 10)));
      for (let start = 0; start < read.length;) {
        if (!reader.busy) reader.begin(pictures[++picture]!);
        start = reader.push(read, start);
      }
      at += read.length;
    }
    expect(reader.busy).toBe(false);
    for (const [i, held] of pictures.entries()) {
      const expected = expectedOf(bytes.subarray(i * pictureBytes));
      expect(held.map(({ target }) => target)).toEqual(expected);
    }
  }
});

test('a read that holds more than a picture is taken to the picture’s end only', () => {
  const reader = new PictureReader();
  reader.begin(planes());
  expect(reader.push(new Uint8Array(pictureBytes + 9), 4)).toBe(pictureBytes + 4);
  expect(reader.busy).toBe(false);
  expect(reader.push(new Uint8Array(9), 0)).toBe(0);
});

test('a picture without a canvas is taken as it comes', () => {
  const reader = new PictureReader();
  const target = new Uint8Array(12);
  reader.begin([allOf(target)]);
  const bytes = noiseBytes(12);
  reader.push(bytes.subarray(0, 5), 0);
  expect(reader.busy).toBe(true);
  reader.push(bytes.subarray(5), 0);
  expect(reader.busy).toBe(false);
  expect(target).toEqual(Uint8Array.from(bytes));
});
