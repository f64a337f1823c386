import { expect, test } from 'vitest';
import type { ClusterOptions } from '../../../../bench/support/capacity/cluster.ts';
import { simulateLoad } from '../../../../bench/support/capacity/simulate-load.ts';
import { simulateShards } from '../../../../bench/support/capacity/simulate-shards.ts';
import { roundCosts } from '../../../fixtures/stream-costs.ts';

const counted = { fromSeconds: 1, toSeconds: 2 };

function clusterOf(given: Partial<ClusterOptions>): ClusterOptions {
  return {
    // One frame a second: it is the parts that are tested.
    costs: { ...roundCosts, frameRate: 2, variation: 0.3 },
    cameras: 900,
    replicas: 300,
    cores: 2,
    pool: null,
    seconds: 2.5,
    arrivalSeconds: 0.5,
    event: 'none',
    eventAtSeconds: 1,
    seed: 1,
    ...given,
  };
}

test('a cluster of one part is simulated as it is', () => {
  const options = clusterOf({ event: 'replica-lost' });
  expect(simulateShards(options, counted)).toEqual(simulateLoad(options, counted));
});

test('in a large cluster a lost server weighs as much less as there are more of them', () => {
  const small = simulateShards(clusterOf({ cameras: 1000, event: 'replica-lost' }), counted);
  const large = simulateShards(
    clusterOf({ cameras: 10_000, replicas: 3000, event: 'replica-lost' }),
    counted,
  );
  expect(large.cameras).toBe(10_000);
  expect(small.droppedShare).toBeGreaterThan(0);
  expect(large.droppedShare).toBeCloseTo(small.droppedShare / 10, 4);
  expect(large.coresBusy).toBeCloseTo(small.coresBusy, 1);
});

test('what happens to all happens to all parts, and inference servers add up', () => {
  const pool = {
    servers: 20,
    costs: { networkMs: 2, runMs: 3, perItemMs: 4, maxBatch: 8, failoverMs: 100 },
  };
  const part = simulateShards(clusterOf({ cameras: 1000, event: 'scene-cut', pool }), counted);
  const whole = simulateShards(
    clusterOf({
      cameras: 5000,
      replicas: 1500,
      event: 'scene-cut',
      pool: { ...pool, servers: 100 },
    }),
    counted,
  );
  expect(whole.keyframesPerAnswer).toBeCloseTo(part.keyframesPerAnswer);
  expect(whole.inferenceServersBusy).toBeCloseTo(5 * (part.inferenceServersBusy ?? 0));
});
