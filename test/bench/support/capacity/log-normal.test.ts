import { expect, test } from 'vitest';
import { logNormal } from '../../../../bench/support/capacity/log-normal.ts';
import { randomNumbers } from '../../../../bench/support/random-numbers.ts';
import { mean } from '../../../../src/evaluation/series-statistics.ts';

test('factors have mean 1 and the spread that was asked for', () => {
  const draw = logNormal(randomNumbers(1), 0.4);
  const factors = Array.from({ length: 100_000 }, draw);
  const logs = factors.map(Math.log);
  expect(mean(factors)).toBeCloseTo(1, 2);
  const middle = mean(logs);
  expect(Math.sqrt(mean(logs.map((log) => (log - middle) ** 2)))).toBeCloseTo(0.4, 2);
});

test('without spread all are 1', () => {
  expect(logNormal(() => 0.3, 0)()).toBe(1);
});
