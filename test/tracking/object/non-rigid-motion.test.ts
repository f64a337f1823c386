import { expect, test } from 'vitest';
import type { FlowField } from '../../../src/tracking/flow/types.ts';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';
import { nonRigidMotion } from '../../../src/tracking/object/non-rigid-motion.ts';
import { softDisc } from '../../fixtures/discs.ts';

const grid = { width: 64, height: 48 };
const mask = softDisc({ x: 60, y: 50, radius: 24 }, { width: 128, height: 96 });

/** A flow field from the motion at each grid pixel. */
function field(motion: (x: number, y: number) => readonly [u: number, v: number]): FlowField {
  const pixels = [...Array(grid.width * grid.height).keys()];
  const moved = pixels.map((at) => motion(at % grid.width, Math.floor(at / grid.width)));
  const part = (index: 0 | 1) => Float32Array.from(moved, (pair) => pair[index]);
  return { ...grid, u: part(0), v: part(1) };
}

/** Non-rigid motion of a disc whose left, middle and right part move up and down against each other. */
function waving(speed: number): number {
  return nonRigidMotion(
    field((x) => [0, Math.abs(x - 30) < 4 ? speed : -speed]),
    mask,
  );
}

test('a shift, a turn and a zoom are no non-rigid motion', () => {
  expect(
    nonRigidMotion(
      field(() => [3, -2]),
      mask,
    ),
  ).toBeCloseTo(0, 4);
  expect(
    nonRigidMotion(
      field((x, y) => [0.1 * y, -0.1 * x]),
      mask,
    ),
  ).toBeLessThan(2e-3);
  expect(
    nonRigidMotion(
      field((x, y) => [0.1 * x, 0.1 * y]),
      mask,
    ),
  ).toBeLessThan(2e-3);
});

test('parts that move against each other are, the more the faster they do', () => {
  expect(waving(1)).toBeGreaterThan(0.02);
  expect(waving(2)).toBeCloseTo(2 * waving(1), 4);
});

test('motion beside the mask does not count', () => {
  const beside = field((x) => [x > 50 ? 9 : 0, 0]);
  expect(nonRigidMotion(beside, mask)).toBeCloseTo(0, 4);
  expect(nonRigidMotion(beside, emptySoftMask(mask.size))).toBe(0);
});
