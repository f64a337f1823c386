import { decode } from 'fast-png';
import { expect, test } from 'vitest';
import { contactSheet, sheetFrames } from '../../../../bench/support/kinds/contact-sheet.ts';
import { maskFromBitmap } from '../../../../src/frame/mask.ts';
import { answeredFrame } from '../../../fixtures/answered-frame.ts';

test('a sheet shows frames spread over the clip, the first and the last among them', () => {
  expect(sheetFrames(31, 4)).toEqual([0, 10, 20, 30]);
  expect(sheetFrames(3, 4)).toEqual([0, 1, 2]);
  expect(sheetFrames(1, 4)).toEqual([0]);
});

test('five pictures take two rows of four; the true outline is white', () => {
  const size = { width: 80, height: 40 };
  const picture = { size, data: new Uint8Array(3 * size.width * size.height).fill(90) };
  const within = { x: 30, y: 10, width: 20, height: 12 };
  const mask = maskFromBitmap(new Uint8Array(20 * 12).fill(1), size, within);
  const truth = { size, objects: new Map([[1, mask]]) };
  const answer = { ...answeredFrame(7, []), size };
  const sheet = decode(contactSheet(Array.from({ length: 5 }, () => ({ picture, answer, truth }))));
  expect([sheet.width, sheet.height, sheet.channels]).toEqual([320, 80, 3]);
  const at = (x: number, y: number) => [...sheet.data.slice(3 * (y * 320 + x)).subarray(0, 3)];
  expect(at(30, 10)).toEqual([255, 255, 255]);
  expect(at(40, 16)).toEqual([90, 90, 90]);
  expect(at(30, 50)).toEqual([255, 255, 255]);
  expect(at(110, 50)).toEqual([0, 0, 0]);
});
