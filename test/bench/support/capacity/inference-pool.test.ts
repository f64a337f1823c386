import { expect, test } from 'vitest';
import { InferencePool } from '../../../../bench/support/capacity/inference-pool.ts';
import { Timeline } from '../../../../bench/support/capacity/timeline.ts';

const costs = { networkMs: 2, runMs: 10, perItemMs: 1, maxBatch: 4, failoverMs: 50 };

/** When calls that all come at 0 are answered by so many servers. */
function answeredMs(servers: number, calls: number, loseAtMs: number | null = null): number[] {
  const timeline = new Timeline();
  const pool = new InferencePool(timeline, servers, costs);
  const ends: number[] = [];
  for (let i = 0; i < calls; i++) pool.infer(() => ends.push(timeline.nowMs));
  if (loseAtMs !== null) timeline.after(loseAtMs, () => pool.lose());
  timeline.runUntil(1000);
  return ends;
}

test('one call takes the way there, its run and the way back', () => {
  expect(answeredMs(1, 1)).toEqual([13]);
});

test('calls that wait while a run goes on are a batch after it, up to its largest', () => {
  // The first alone, then four, then the last.
  expect(answeredMs(1, 6)).toEqual([13, 27, 27, 27, 27, 38]);
});

test('two servers share the calls', () => {
  expect(answeredMs(2, 2)).toEqual([13, 13]);
});

test('calls of a server that is lost are made again elsewhere', () => {
  const ends = answeredMs(2, 2, 5);
  expect(ends).toHaveLength(2);
  expect(ends[0]).toBe(13);
  expect(ends[1]).toBeGreaterThan(5 + costs.failoverMs + costs.runMs);
});
