import { expect, test } from 'vitest';
import { InferencePool } from '../../../../bench/support/capacity/inference-pool.ts';
import { Replica } from '../../../../bench/support/capacity/replica.ts';
import { Timeline } from '../../../../bench/support/capacity/timeline.ts';

const costs = { networkMs: 2, runMs: 10, perItemMs: 1, maxBatch: 4, failoverMs: 50 };

function serve(given: { readonly hasPool: boolean; readonly maxCalls?: number }) {
  const timeline = new Timeline();
  const pool = given.hasPool ? new InferencePool(timeline, 1, costs) : null;
  const { maxCalls } = given;
  const replica = new Replica(timeline, {
    cores: 2,
    modelCores: 2,
    mainMsPerSecond: 0,
    pool,
    ...(maxCalls === undefined ? {} : { maxCalls }),
  });
  return { timeline, replica };
}

/** Keyframes that streams may begin before one is over. */
function begun({ budget }: Replica): number {
  return Array.from({ length: 20 }, () => budget.tryBegin({})).filter(Boolean).length;
}

test('with its own model one keyframe is begun at a time, with inference servers eight', () => {
  expect(begun(serve({ hasPool: false }).replica)).toBe(1);
  expect(begun(serve({ hasPool: true }).replica)).toBe(8);
  expect(begun(serve({ hasPool: true, maxCalls: 3 }).replica)).toBe(3);
});

test('fewer are begun after keyframes that waited there', () => {
  const { timeline, replica } = serve({ hasPool: true });
  const [quick, slow] = [{}, {}];
  for (const [stream, ms] of [
    [quick, 20],
    [slow, 600],
  ] as const) {
    expect(replica.budget.tryBegin(stream)).toBe(true);
    timeline.runUntil(timeline.nowMs + ms);
    replica.budget.end(stream, true);
  }
  expect(begun(replica)).toBe(5);
});

test('calls beyond those that may be under way wait for one that is over', () => {
  const { timeline, replica } = serve({ hasPool: true, maxCalls: 2 });
  const ends: number[] = [];
  for (let i = 0; i < 3; i++) replica.encode(1, () => ends.push(timeline.nowMs));
  timeline.runUntil(1000);
  // One alone, the one that came with it after that, and the third when the first is back.
  expect(ends).toEqual([13, 24, 35]);
});
