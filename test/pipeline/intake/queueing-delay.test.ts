import { expect, test } from 'vitest';
import { QueueingDelay } from '../../../src/pipeline/intake/queueing-delay.ts';

function openDelay() {
  const clock = { nowMs: 1000 };
  return { clock, delay: new QueueingDelay(() => clock.nowMs) };
}

test('a frame may wait for 90 ms after it was decoded', () => {
  const { delay, clock } = openDelay();
  expect(delay.mayWait(1000)).toBe(true);
  clock.nowMs = 1089;
  expect(delay.mayWait(1000)).toBe(true);
  clock.nowMs = 1090;
  expect(delay.mayWait(1000)).toBe(false);
});

test('after a drop none waits, until none was dropped for half a second', () => {
  const { delay, clock } = openDelay();
  delay.onDrop();
  expect(delay.mayWait(1000)).toBe(false);
  clock.nowMs = 1400;
  delay.onDrop();
  clock.nowMs = 1899;
  expect(delay.mayWait(1899)).toBe(false);
  clock.nowMs = 1900;
  expect(delay.mayWait(1900)).toBe(true);
});
