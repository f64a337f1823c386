import { expect, test } from 'vitest';
import { giveBackKernel, takeKernel } from '../../../src/tracking/kernel/kernel.ts';

test('a kernel that was given back serves the next one, with its memory free', () => {
  const first = takeKernel();
  const start = first.take(4);
  expect(first.take(1000)).toBeGreaterThan(start);
  giveBackKernel(first);
  const next = takeKernel();
  expect(next).toBe(first);
  expect(next.take(4)).toBe(start);
  giveBackKernel(next);
});

test('two users at a time have two, and few are kept', () => {
  const taken = new Set(Array.from({ length: 8 }, takeKernel));
  expect(taken.size).toBe(8);
  for (const kernel of taken) giveBackKernel(kernel);
  const again = Array.from({ length: 8 }, takeKernel);
  expect(again.filter((kernel) => taken.has(kernel))).toHaveLength(4);
});
