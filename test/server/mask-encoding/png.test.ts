import { decode as decodeWithFastPng } from 'fast-png';
import { expect, test } from 'vitest';
import { encodePng } from '../../../src/server/mask-encoding/png.ts';
import { drawn } from '../../fixtures/small-masks.ts';

test('a PNG is 8-bit grey with 0 and 255', () => {
  const picture = decodeWithFastPng(encodePng(drawn('.#.', '##.')));
  expect(picture).toMatchObject({ width: 3, height: 2, depth: 8, channels: 1 });
  expect([...picture.data]).toEqual([0, 255, 0, 255, 255, 0]);
});
