import { expect, test } from 'vitest';
import { Processor } from '../../../../bench/support/capacity/processor.ts';
import { Timeline } from '../../../../bench/support/capacity/timeline.ts';

/** When each of these tasks, all begun at 0, is over on so many cores. */
function endsOf(cores: number, tasks: readonly [work: number, weight: number, cap: number][]) {
  const timeline = new Timeline();
  const processor = new Processor(timeline, cores);
  const ends = tasks.map(() => Number.NaN);
  for (const [i, [work, weight, cap]] of tasks.entries()) {
    processor.begin(work, { weight, cap }, () => (ends[i] = timeline.nowMs));
  }
  timeline.runUntil(1000);
  return { ends, busyMs: processor.busyMs };
}

test('a task alone has one core at most, however many there are', () => {
  expect(endsOf(4, [[10, 1, 1]])).toEqual({ ends: [10], busyMs: 10 });
});

test('a run of several threads takes as many cores as it can use', () => {
  expect(endsOf(4, [[10, 1, 2]]).ends).toEqual([5]);
});

test('tasks share a core by weight, and who is left has it alone', () => {
  const { ends, busyMs } = endsOf(1, [
    [10, 2, 1],
    [10, 1, 1],
  ]);
  expect(ends[0]).toBeCloseTo(15);
  expect(ends[1]).toBeCloseTo(20);
  expect(busyMs).toBeCloseTo(20);
});

test('what one task cannot use goes to the others', () => {
  // Of two cores the heavy task may have one; the two light ones share the other.
  const { ends } = endsOf(2, [
    [10, 100, 1],
    [5, 1, 1],
    [5, 1, 1],
  ]);
  for (const end of ends) expect(end).toBeCloseTo(10);
});

test('work that begins later slows what runs', () => {
  const timeline = new Timeline();
  const processor = new Processor(timeline, 1);
  const ends: number[] = [];
  const share = { weight: 1, cap: 1 };
  processor.begin(10, share, () => ends.push(timeline.nowMs));
  timeline.after(5, () => processor.begin(2, share, () => ends.push(timeline.nowMs)));
  timeline.runUntil(100);
  expect(ends[0]).toBeCloseTo(9);
  expect(ends[1]).toBeCloseTo(12);
});

test('of work that is forgotten nothing is over', () => {
  const timeline = new Timeline();
  const processor = new Processor(timeline, 1);
  processor.begin(10, { weight: 1, cap: 1 }, () => expect.unreachable());
  timeline.after(4, () => processor.clear());
  timeline.runUntil(100);
  expect(processor.busyMs).toBeCloseTo(4);
});
