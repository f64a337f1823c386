import { expect, test } from 'vitest';
import { FlightLimit } from '../../../src/pipeline/keyframe/flight-limit.ts';

/** A limit that has learnt of so many keyframes of so many milliseconds. */
function learnt(limit: FlightLimit, keyframes: number, tookMs: number): FlightLimit {
  for (let i = 0; i < keyframes; i++) limit.learn(tookMs);
  return limit;
}

test('it begins at the capacity, and grows by one for each window of keyframes once it has shrunk', () => {
  const limit = new FlightLimit(() => 4);
  expect(limit.current).toBe(4);
  expect(learnt(limit, 1, 40).current).toBe(4);
  expect(learnt(limit, 20, 900).current).toBe(1);
  expect(learnt(limit, 1, 40).current).toBe(2);
  expect(learnt(limit, 2, 40).current).toBe(2);
  expect(learnt(limit, 1, 40).current).toBe(3);
  expect(learnt(limit, 100, 40).current).toBe(4);
});

test('where keyframes wait for one another it shrinks, never under one', () => {
  const limit = learnt(new FlightLimit(() => 8), 100, 100);
  expect(limit.current).toBe(8);
  expect(learnt(limit, 1, 260).current).toBe(5);
  expect(learnt(limit, 20, 900).current).toBe(1);
});

test('a model that is slow by itself is no wait, nor is a wait that is short', () => {
  expect(learnt(new FlightLimit(() => 2), 50, 600).current).toBe(2);
  const quick = learnt(new FlightLimit(() => 8), 100, 10);
  expect(learnt(quick, 5, 240).current).toBe(8);
});

test('what is quick is asked of the last keyframes: a model may become slower', () => {
  const limit = learnt(new FlightLimit(() => 4), 100, 20);
  expect(learnt(limit, 31, 300).current).toBe(1);
  expect(learnt(limit, 100, 300).current).toBe(4);
});

test('the engine may take fewer of a sudden', () => {
  const engine = { capacity: 8 };
  const limit = learnt(new FlightLimit(() => engine.capacity), 100, 20);
  engine.capacity = 0;
  expect(limit.current).toBe(1);
});
