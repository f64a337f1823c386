import { expect, test } from 'vitest';
import { giveBackPlane, takePlane } from '../../../src/tracking/flow/spare-planes.ts';

test('a plane that was given back is used again, for a grid of any size', () => {
  const plane = takePlane(40);
  expect(plane).toHaveLength(40);
  giveBackPlane(plane);
  const next = takePlane(41);
  expect(next.buffer).toBe(plane.buffer);
  expect(next).toHaveLength(41);
});

test('no plane has two users', () => {
  const planes = Array.from({ length: 6 }, () => takePlane(43));
  for (const plane of planes.slice(0, 3)) giveBackPlane(plane);
  expect(() => giveBackPlane(planes[1]!)).toThrow('given back twice');
  const again = Array.from({ length: 6 }, () => takePlane(43));
  const memory = [...planes.slice(3), ...again].map(({ buffer }) => buffer);
  expect(new Set(memory).size).toBe(9);
  expect(planes.slice(0, 3).every(({ buffer }) => memory.includes(buffer))).toBe(true);
});

test('what is kept is bounded, and the rest is freed; so is a plane of a larger grid', () => {
  const planes = Array.from({ length: 300 }, () => takePlane(7));
  for (const plane of planes) giveBackPlane(plane);
  expect(planes.filter(({ length }) => length === 7)).toHaveLength(192);
  const large = takePlane(257 * 257);
  expect(large).toHaveLength(257 * 257);
  giveBackPlane(large);
  expect(large).toHaveLength(0);
});
