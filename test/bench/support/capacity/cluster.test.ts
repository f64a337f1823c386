import { expect, test } from 'vitest';
import { Cluster, type ClusterOptions } from '../../../../bench/support/capacity/cluster.ts';
import { coreMsPerSecond } from '../../../../bench/support/capacity/costs.ts';
import { roundCosts } from '../../../fixtures/stream-costs.ts';

function run(given: Partial<ClusterOptions>): Cluster {
  const cluster = new Cluster({
    costs: roundCosts,
    cameras: 1,
    replicas: 1,
    cores: 4,
    pool: null,
    seconds: 6,
    arrivalSeconds: 0,
    event: 'none',
    eventAtSeconds: 3,
    seed: 1,
    ...given,
  });
  cluster.run();
  return cluster;
}

test('one camera alone is answered after the sum of its costs, with all its keyframes', () => {
  const cluster = run({});
  const { captured, answered, latenciesMs } = cluster.window(2, 5);
  expect([captured, answered]).toEqual([75, 75]);
  // Half of the main thread's work, decoding, flow, masks, and the other half.
  for (const ms of latenciesMs) expect(ms).toBeCloseTo(1 + 4 + 3 + 1 + 1);
  // The prompt's, then one in ten frames.
  expect(cluster.keyframes).toBe(15);
  // The prompt costs twice a keyframe.
  const promptMs = (roundCosts.promptMs - roundCosts.keyframeMs) / 6;
  expect(cluster.coresBusy * 1000).toBeCloseTo(coreMsPerSecond(roundCosts) + promptMs, 0);
});

test('too many cameras drop frames before their keyframes, and answers stay young', () => {
  const { keyframes, coresBusy, window } = loadOf(18);
  expect(coresBusy).toBeGreaterThan(3.9);
  expect(window.answered).toBeLessThan(0.9 * window.captured);
  expect(Math.max(...window.latenciesMs)).toBeLessThan(1000);
  expect(keyframes).toBeGreaterThan(0.03);
});

function loadOf(cameras: number) {
  const cluster = run({ cameras });
  const { answered } = cluster.window(0, 6);
  return {
    window: cluster.window(4, 5),
    keyframes: cluster.keyframes / answered,
    coresBusy: cluster.coresBusy,
  };
}

test('the same seed gives the same run, another seed another one', () => {
  const costs = { ...roundCosts, variation: 0.4 };
  const latencies = (seed: number) => run({ cameras: 6, costs, seed }).window(0, 6).latenciesMs;
  expect(latencies(1)).toEqual(latencies(1));
  expect(latencies(1)).not.toEqual(latencies(2));
});

test('streams of a server that is lost go on elsewhere after their back-off', () => {
  const cluster = run({ cameras: 4, replicas: 2, event: 'replica-lost' });
  const during = cluster.window(3, 3.2);
  expect(during.answered).toBe(during.captured / 2);
  const after = cluster.window(4.5, 5.5);
  expect(after.answered).toBe(after.captured);
});

test('with one server lost of one nothing is answered any more', () => {
  expect(run({ event: 'replica-lost' }).window(3.1, 6).answered).toBe(0);
});

/** Frames that are not answered in the two seconds after it. */
function lost(event: 'replica-lost' | 'rolling-upgrade'): number {
  const { captured, answered } = run({ cameras: 20, replicas: 10, event }).window(3, 5);
  return captured - answered;
}

test('an upgrade loses less than a server that ends without a word', () => {
  expect(lost('rolling-upgrade')).toBeGreaterThan(0);
  expect(lost('rolling-upgrade')).toBeLessThan(lost('replica-lost') / 3);
});

test('a scene cut brings one more keyframe a camera, at once', () => {
  expect(run({ cameras: 3, event: 'scene-cut', eventAtSeconds: 3.22 }).keyframes).toBeGreaterThan(
    run({ cameras: 3 }).keyframes,
  );
});

test('with inference servers keyframes cost the server no core', () => {
  const costs = { networkMs: 2, runMs: 5, perItemMs: 2, maxBatch: 8, failoverMs: 100 };
  const remote = run({ cameras: 4, pool: { servers: 1, costs } });
  const { captured, answered } = remote.window(2, 5);
  expect(answered).toBe(captured);
  expect(remote.coresBusy).toBeLessThan(run({ cameras: 4 }).coresBusy * 0.8);
  expect(remote.inferenceServersBusy).toBeGreaterThan(0);
});
