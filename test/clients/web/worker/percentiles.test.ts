import { expect, test } from 'vitest';
import { RecentValues } from '../../../../clients/web/worker/percentiles.ts';

test('the smallest, the median and the largest of the kept values', () => {
  const values = new RecentValues(4);
  expect(values.percentile(0.5)).toBeNull();
  for (const value of [9, 3, 1, 2, 4]) values.add(value);
  expect(values.count).toBe(4);
  expect([0, 0.5, 0.95, 1].map((ratio) => values.percentile(ratio))).toEqual([1, 2, 4, 4]);
});
