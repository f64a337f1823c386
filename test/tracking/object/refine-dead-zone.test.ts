import { expect, test } from 'vitest';
import { mayRefine, refineDeadZone } from '../../../src/tracking/object/refine-dead-zone.ts';

test('the more an object changed its shape, the narrower the dead zone of the refiner', () => {
  const deadZones = [0, 0.02, 0.1, 0.3, 1].map(refineDeadZone);
  expect(deadZones).toEqual(deadZones.toSorted((a, b) => b - a));
  expect(deadZones[0]).toBe(3);
  expect(deadZones.at(-1)).toBeCloseTo(0, 3);
});

test('a rigid object is not refined at all, one that moves its limbs is', () => {
  expect(mayRefine(0)).toBe(false);
  expect(mayRefine(0.02)).toBe(false);
  expect(mayRefine(0.05)).toBe(true);
});
