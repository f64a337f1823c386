import { expect, test } from 'vitest';
import { regionIou } from '../../src/evaluation/region-iou.ts';

test('J counts shared pixels over all pixels, and 1 where both masks are empty', () => {
  expect(regionIou(Uint8Array.of(1, 1, 0, 0), Uint8Array.of(0, 5, 5, 0))).toBeCloseTo(1 / 3, 12);
  expect(regionIou(new Uint8Array(4), new Uint8Array(4))).toBe(1);
  expect(regionIou(new Uint8Array(4), Uint8Array.of(1, 0, 0, 0))).toBe(0);
});
