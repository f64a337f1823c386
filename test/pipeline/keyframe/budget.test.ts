import { expect, test } from 'vitest';
import { KeyframeBudget } from '../../../src/pipeline/keyframe/budget.ts';

function openBudget() {
  const clock = { nowMs: 0 };
  return { clock, budget: new KeyframeBudget(() => clock.nowMs) };
}

test('one keyframe runs at a time, and the stream that waited longest is next', () => {
  const { budget, clock } = openBudget();
  const [a, b, c] = [{}, {}, {}];
  expect(budget.tryBegin(a)).toBe(true);
  expect(budget.tryBegin(b)).toBe(false);
  clock.nowMs = 30;
  expect(budget.tryBegin(c)).toBe(false);
  clock.nowMs = 60;
  budget.end(a);
  expect(budget.tryBegin(a)).toBe(false);
  expect(budget.tryBegin(c)).toBe(false);
  expect(budget.tryBegin(b)).toBe(true);
});

test('a stream that asks no more gives its place up', () => {
  const { budget, clock } = openBudget();
  const [a, b, c] = [{}, {}, {}];
  expect(budget.tryBegin(a)).toBe(true);
  expect(budget.tryBegin(b)).toBe(false);
  expect(budget.tryBegin(c)).toBe(false);
  budget.end(a);
  budget.end(b);
  expect(budget.tryBegin(c)).toBe(true);
  budget.end(c);
  expect(budget.tryBegin(a)).toBe(true);
  expect(budget.tryBegin(b)).toBe(false);
  budget.end(a);
  clock.nowMs = 501;
  expect(budget.tryBegin(c)).toBe(true);
});

test('late frames make pauses between keyframes, which shrink again without them', () => {
  const { budget, clock } = openBudget();
  const stream = {};
  for (let i = 0; i < 10; i++) {
    clock.nowMs += 50;
    budget.observe('late');
  }
  // Late frames in a row are one cause: three cuts in half a second.
  expect(budget.rateRatio).toBeCloseTo(0.8 ** 3);
  expect(budget.tryBegin(stream)).toBe(true);
  clock.nowMs += 100;
  budget.end(stream);
  clock.nowMs += 100 * (1 / 0.8 ** 3 - 1) - 1;
  expect(budget.tryBegin(stream)).toBe(false);
  clock.nowMs += 2;
  expect(budget.tryBegin(stream)).toBe(true);
  budget.end(stream);
  for (let i = 0; i < 20; i++) {
    clock.nowMs += 1000;
    budget.observe('in-time');
  }
  expect(budget.rateRatio).toBe(1);
});

test('a pause is never longer than half a second', () => {
  const { budget, clock } = openBudget();
  const stream = {};
  for (let i = 0; i < 100; i++) {
    clock.nowMs += 200;
    budget.observe('late');
  }
  expect(budget.rateRatio).toBe(0.05);
  expect(budget.tryBegin(stream)).toBe(true);
  clock.nowMs += 5000;
  budget.end(stream);
  clock.nowMs += 499;
  expect(budget.tryBegin(stream)).toBe(false);
  clock.nowMs += 1;
  expect(budget.tryBegin(stream)).toBe(true);
});

test('a slow answer makes the server busy for two seconds, and costs no keyframe', () => {
  const { budget, clock } = openBudget();
  expect(budget.isBusy).toBe(false);
  budget.observe('slow');
  expect(budget.isBusy).toBe(true);
  expect(budget.rateRatio).toBe(1);
  clock.nowMs += 1999;
  budget.observe('in-time');
  expect(budget.isBusy).toBe(true);
  clock.nowMs += 1;
  expect(budget.isBusy).toBe(false);
});
