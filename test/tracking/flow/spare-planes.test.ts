import { expect, test } from 'vitest';
import { giveBackPlane, takePlane } from '../../../src/tracking/flow/spare-planes.ts';

test('a plane that was given back is used again, for the same length only', () => {
  const plane = takePlane(40);
  giveBackPlane(plane);
  expect(takePlane(41)).not.toBe(plane);
  expect(takePlane(40)).toBe(plane);
});

test('no plane has two users', () => {
  const planes = Array.from({ length: 6 }, () => takePlane(43));
  for (const plane of planes.slice(0, 3)) giveBackPlane(plane);
  const again = Array.from({ length: 6 }, () => takePlane(43));
  expect(new Set([...planes.slice(3), ...again]).size).toBe(9);
  expect(planes.slice(0, 3).every((plane) => again.includes(plane))).toBe(true);
});

test('what is kept is bounded, and the oldest goes first', () => {
  const megabyte = 1024 * 1024;
  const planes = Array.from({ length: 40 }, () => takePlane(megabyte / 4));
  for (const plane of planes) giveBackPlane(plane);
  const known = Array.from({ length: 40 }, () => takePlane(megabyte / 4)).filter((plane) =>
    planes.includes(plane),
  );
  expect(known).toHaveLength(32);
  expect(known).not.toContain(planes[0]);
  expect(known).toContain(planes.at(-1));
});
