import { expect, test } from 'vitest';
import { MessagePace } from '../../../src/server/requests/message-pace.ts';

function open(perSecond: number) {
  const clock = { nowMs: 0 };
  return { clock, pace: new MessagePace(perSecond, () => clock.nowMs) };
}

test('a second’s worth may come at once, then they are held to the rate', () => {
  const { pace, clock } = open(1000);
  const free = Array.from({ length: 1000 }, () => pace.take());
  expect(free.filter((pauseMs) => pauseMs > 0)).toEqual([]);
  let pausedMs = 0;
  for (let i = 0; i < 4000; i++) {
    const pauseMs = pace.take();
    clock.nowMs += pauseMs;
    pausedMs += pauseMs;
  }
  expect(pausedMs).toBeGreaterThan(3900);
  expect(pausedMs).toBeLessThan(4100);
});

test('pauses are few and long enough for a timer', () => {
  const { pace, clock } = open(1000);
  const pauses: number[] = [];
  for (let i = 0; i < 3000; i++) {
    const pauseMs = pace.take();
    clock.nowMs += pauseMs;
    if (pauseMs > 0) pauses.push(pauseMs);
  }
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5);
  expect(pauses.length).toBeLessThan(500);
});

test('a camera is never held up, nor is what was not used saved for more than a second', () => {
  const { pace, clock } = open(1000);
  for (let i = 0; i < 600; i++) {
    expect(pace.take()).toBe(0);
    clock.nowMs += 5;
  }
  clock.nowMs += 3_600_000;
  let free = 0;
  while (pace.take() === 0) free++;
  expect(free).toBeLessThan(1010);
});
