import { expect, test } from 'vitest';
import { Processor } from '../../../../bench/support/capacity/processor.ts';
import { Timeline } from '../../../../bench/support/capacity/timeline.ts';

/** When each of these tasks, all begun at 0 by threads of their own, is over on so many cores. */
function endsOf(cores: number, tasks: readonly [work: number, weight: number, cap: number][]) {
  const timeline = new Timeline();
  const processor = new Processor(timeline, cores);
  const ends = tasks.map(() => Number.NaN);
  for (const [i, [work, weight, cap]] of tasks.entries()) {
    processor.begin(work, { weight, cap }, () => (ends[i] = timeline.nowMs));
  }
  timeline.runUntil(10_000);
  return { ends, busyMs: processor.busyMs };
}

test('a task alone has one core at most, however many there are', () => {
  expect(endsOf(4, [[10, 1, 1]])).toEqual({ ends: [10], busyMs: 10 });
});

test('a run of several threads takes as many cores', () => {
  expect(endsOf(4, [[10, 1, 2]]).ends).toEqual([5]);
});

test('a run of several threads that has one core only takes twice as long', () => {
  expect(endsOf(1, [[10, 1, 2]]).ends).toEqual([10]);
});

test('threads take turns at ticks, so that each has its share by weight', () => {
  const { ends, busyMs } = endsOf(1, [
    [1000, 2, 1],
    [1000, 1, 1],
  ]);
  // Two thirds of the core, give or take a slice; who is left has it alone.
  expect(Math.abs(ends[0]! - 1500)).toBeLessThan(10);
  expect(ends[1]).toBeCloseTo(2000);
  expect(busyMs).toBeCloseTo(2000);
});

test('what one thread cannot use goes to the others', () => {
  // Of two cores the heavy task may have one; the two light ones share the other.
  const { ends } = endsOf(2, [
    [1000, 100, 1],
    [500, 1, 1],
    [500, 1, 1],
  ]);
  for (const end of ends) expect(Math.abs(end - 1000)).toBeLessThan(10);
});

/** One thread works; after so long another wakes for a moment. When that is over. */
function wokenAfter(ms: number): number {
  const timeline = new Timeline();
  const processor = new Processor(timeline, 1);
  let endMs = Number.NaN;
  processor.begin(100, { weight: 1, cap: 1 }, () => undefined);
  timeline.after(ms, () => {
    processor.begin(0.1, { weight: 1, cap: 1 }, () => (endMs = timeline.nowMs));
  });
  timeline.runUntil(200);
  return endMs - ms;
}

test('a thread that wakes has the core of one that has had its slice at once, else at the next tick', () => {
  expect(wokenAfter(2)).toBeCloseTo(0.1);
  // It began at 0: its slice of 1.4 ms is not over, and the tick is at 4 ms.
  expect(wokenAfter(1)).toBeCloseTo(3.1);
});

test('who slept gets no more than his share for it afterwards', () => {
  const timeline = new Timeline();
  const processor = new Processor(timeline, 1);
  const [busy, sleeper] = [
    { weight: 1, cap: 1 },
    { weight: 1, cap: 1 },
  ];
  let busyEndMs = Number.NaN;
  processor.begin(1200, busy, () => (busyEndMs = timeline.nowMs));
  timeline.after(1000, () => processor.begin(200, sleeper, () => undefined));
  timeline.runUntil(2000);
  expect(Math.abs(busyEndMs - 1400)).toBeLessThan(10);
});

test('of work that is forgotten nothing is over', () => {
  const timeline = new Timeline();
  const processor = new Processor(timeline, 1);
  processor.begin(10, { weight: 1, cap: 1 }, () => expect.unreachable());
  timeline.after(4, () => processor.clear());
  timeline.runUntil(100);
  expect(processor.busyMs).toBeCloseTo(4);
});
