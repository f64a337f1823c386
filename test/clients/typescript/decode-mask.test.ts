import { deflateSync } from 'node:zlib';
import { encode as encodePng } from 'fast-png';
import { expect, test } from 'vitest';
import { decodeMask } from '../../../clients/typescript/index.ts';
import type { Mask } from '../../../src/gen/maskstream/v1/common.ts';

// Every encoding of the server is read back in test/server/mask-encoding/encode-mask.test.ts.

function onWire(width: number, height: number, data: Mask['data']): Mask {
  return { width, height, data };
}

function runLengths(text: string): Mask['data'] {
  return { $case: 'cocoRle', value: { counts: Buffer.from(text, 'latin1') } };
}

test('run lengths go down the columns, background first', () => {
  // 3 x 2: one pixel of background, two of the object, three of background.
  expect(decodeMask(onWire(3, 2, runLengths('123')))).toEqual({
    width: 3,
    height: 2,
    data: Uint8Array.of(0, 1, 0, 1, 0, 0),
  });
});

test('run lengths of too many pixels are refused, also of one run beyond 32 bits', () => {
  expect(() => decodeMask(onWire(2, 2, runLengths('5')))).toThrow('must fill 4 pixels, got more');
  expect(() => decodeMask(onWire(2, 2, runLengths('oooooooooooo1')))).toThrow('must fill 4 pixels');
});

test('run lengths that end early leave the rest background', () => {
  expect([...decodeMask(onWire(2, 2, runLengths('11'))).data]).toEqual([0, 0, 1, 0]);
});

test('a mask without pixels says that none were asked for', () => {
  expect(() => decodeMask(onWire(2, 2, undefined))).toThrow('was it asked for with encoding none?');
});

test('a PNG of any grey is a mask, one in colour is none', () => {
  const grey = encodePng({ width: 2, height: 1, data: Uint8Array.of(0, 9), channels: 1, depth: 8 });
  const mask = onWire(2, 1, { $case: 'png', value: grey });
  expect([...decodeMask(mask).data]).toEqual([0, 1]);
  const data = new Uint8Array(6);
  const colour = encodePng({ width: 2, height: 1, data, channels: 3, depth: 8 });
  const coloured = onWire(2, 1, { $case: 'png', value: colour });
  expect(() => decodeMask(coloured)).toThrow('must be grey, got 3 channels');
});

test('rows of a bitmap begin at a whole byte, and missing ones are background', () => {
  const zlibBits = deflateSync(Uint8Array.of(0b1000_0000, 0b0100_0000));
  const mask = onWire(9, 2, { $case: 'bitmap', value: { zlibBits } });
  const { data } = decodeMask(mask);
  expect([...data.keys()].filter((at) => data[at] === 1)).toEqual([0]);
  expect(() =>
    decodeMask(onWire(9, 2, { $case: 'bitmap', value: { zlibBits: Uint8Array.of(1, 2) } })),
  ).toThrow('incorrect header check');
});

test('outlines with a hole are filled but for the hole, and cut at the picture', () => {
  const polygons = [
    { coordinates: [0, 0, 9, 0, 9, 3, 0, 3] },
    { coordinates: [1, 1, 1, 2, 2, 2, 2, 1] },
  ];
  const mask = onWire(4, 3, { $case: 'polygons', value: { polygons } });
  expect([...decodeMask(mask).data]).toEqual([1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]);
});
