import { expect, test } from 'vitest';
import { StageClock, StageStatistics } from '../../src/pipeline/stage-clock.ts';

test('stage times add up on a clock that the test owns', async () => {
  let nowMs = 10;
  const clock = new StageClock(() => nowMs);
  clock.since('queue', 4);
  await clock.time('decode', async () => (nowMs += 2.5));
  await clock.time('decode', async () => (nowMs += 0.25));
  await expect(
    clock.time('encode', async () => {
      nowMs += 1;
      throw new Error('broken');
    }),
  ).rejects.toThrow('broken');
  clock.add('encode', 7);
  expect(clock.read()).toEqual({
    total: 0,
    queue: 6000,
    propagate: 0,
    encode: 1007,
    decode: 2750,
    refine: 0,
    output: 0,
  });
});

test('percentiles are right to six percent, and stages that never ran are left out', () => {
  const statistics = new StageStatistics();
  const none = { queue: 0, propagate: 0, encode: 0, decode: 0, refine: 0, output: 0 };
  for (let i = 1; i <= 1000; i++) statistics.add({ ...none, total: i * 100 });
  const [total, ...rest] = statistics.read();
  expect(rest).toEqual([]);
  expect(total).toMatchObject({ stage: 'total', count: 1000 });
  for (const [value, truth] of [
    [total!.p50Us, 50_000],
    [total!.p95Us, 95_000],
    [total!.p99Us, 99_000],
  ] as const) {
    expect(Math.abs(value - truth) / truth).toBeLessThan(0.06);
  }
});
