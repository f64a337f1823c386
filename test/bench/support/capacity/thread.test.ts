import { expect, test } from 'vitest';
import { Processor } from '../../../../bench/support/capacity/processor.ts';
import { Thread } from '../../../../bench/support/capacity/thread.ts';
import { Timeline } from '../../../../bench/support/capacity/timeline.ts';
import { randomNumbers } from '../../../../bench/support/random-numbers.ts';

const share = { weight: 1, cap: 1 };

test('a thread does one job after the other, in order', () => {
  const timeline = new Timeline();
  const thread = new Thread(new Processor(timeline, 2), share);
  const ends: [string, number][] = [];
  for (const name of ['first', 'second']) {
    thread.run(3, () => ends.push([name, timeline.nowMs]));
  }
  timeline.runUntil(100);
  expect(ends).toEqual([
    ['first', 3],
    ['second', 6],
  ]);
});

test('jobs that come at random wait as long as queueing theory says', () => {
  // Pollaczek and Khinchine: with constant work s and load r, the mean wait is r s / (2 (1 - r)).
  const [work, load, jobs] = [1, 0.7, 200_000];
  const random = randomNumbers(7);
  const timeline = new Timeline();
  const thread = new Thread(new Processor(timeline, 1), share);
  let waited = 0;
  let atMs = 0;
  for (let i = 0; i < jobs; i++) {
    atMs += (-Math.log(1 - random()) * work) / load;
    timeline.after(atMs, () => {
      const arrivedMs = timeline.nowMs;
      thread.run(work, () => (waited += timeline.nowMs - arrivedMs - work));
    });
  }
  timeline.runUntil(Number.MAX_SAFE_INTEGER);
  expect(waited / jobs).toBeCloseTo((load * work) / (2 * (1 - load)), 1);
});
