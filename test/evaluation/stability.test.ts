import { expect, test } from 'vitest';
import { stability } from '../../src/evaluation/stability.ts';
import { emptyMask, maskIou } from '../../src/frame/mask.ts';
import { discMask } from '../fixtures/discs.ts';
import { uniformFlow } from '../fixtures/textures.ts';

const size = { width: 64, height: 48 };
const discAt = (x: number) => discMask({ x, y: 24, radius: 9 }, size);
const still = uniformFlow(size, 0, 0);
// Backward flow: what is here now was 6 pixels further left.
const moved = uniformFlow(size, -6, 0);

test('a mask that moves with its object is stable', () => {
  expect(stability(discAt(20), discAt(20), still)).toBe(1);
  expect(stability(discAt(20), discAt(26), moved)).toBeGreaterThan(0.97);
});

test('a mask that jumps, or stays behind, is not: it is the IoU with where it should be', () => {
  expect(stability(discAt(20), discAt(26), still)).toBeCloseTo(maskIou(discAt(20), discAt(26)), 2);
  expect(stability(discAt(20), discAt(20), moved)).toBeCloseTo(maskIou(discAt(26), discAt(20)), 2);
});

test('a mask that vanishes, appears or leaves the picture scores 0, and none at all says nothing', () => {
  const empty = emptyMask(size);
  expect(stability(discAt(20), empty, still)).toBe(0);
  expect(stability(empty, discAt(20), still)).toBe(0);
  expect(stability(discAt(20), discAt(20), uniformFlow(size, 500, 0))).not.toBe(1);
  expect(stability(empty, empty, still)).toBeNull();
});
