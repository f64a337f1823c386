import { expect, test } from 'vitest';
import type { StreamCosts } from '../../../../bench/support/capacity/costs.ts';
import { fitCosts, timesSpeed } from '../../../../bench/support/capacity/fit-costs.ts';
import { simulateLoad } from '../../../../bench/support/capacity/simulate-load.ts';
import { roundCosts } from '../../../fixtures/stream-costs.ts';

function simulate(costs: StreamCosts, cameras: number) {
  return simulateLoad(
    {
      costs,
      cameras,
      replicas: 1,
      cores: 2,
      pool: null,
      seconds: 4.5,
      arrivalSeconds: 0,
      event: 'none',
      eventAtSeconds: 4.5,
      seed: 1,
    },
    { fromSeconds: 1, toSeconds: 4 },
  );
}

test('speed and spread that loads were made with are found again', () => {
  const truth = { ...timesSpeed(roundCosts, 1.4), variation: 0.6 };
  const measured = [simulate(truth, 1), simulate(truth, 2)];
  const { costs, speed, error } = fitCosts(roundCosts, measured, simulate);
  expect(speed).toBe(1.4);
  expect(costs.variation).toBe(0.6);
  expect(error).toBe(0);
});

test('a dearer server decodes at the same cost', () => {
  const { decodeMs, mainMs, keyframeMs } = timesSpeed(roundCosts, 2);
  expect([decodeMs, mainMs, keyframeMs]).toEqual([
    roundCosts.decodeMs,
    roundCosts.mainMs * 2,
    roundCosts.keyframeMs * 2,
  ]);
});
