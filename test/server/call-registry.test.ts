import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Calls } from '../../src/server/call-registry.ts';
import { isSettled } from '../fixtures/settled.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => {
  const left = vi.getTimerCount();
  vi.useRealTimers();
  if (left > 0) throw new Error(`${left} timers were left`);
});

test('there are so many places and no more; one that is left is free again', () => {
  const calls = new Calls(2);
  const first = calls.enter();
  const second = calls.enter();
  expect(() => calls.enter()).toThrow(expect.objectContaining({ code: 'too-many-streams' }));
  expect(calls.size).toBe(2);
  first[Symbol.dispose]();
  using third = calls.enter();
  expect(calls.size).toBe(2);
  expect(new Set([first.id, second.id, third.id]).size).toBe(3);
});

test('a place that is left twice frees one place', () => {
  const calls = new Calls(2);
  const first = calls.enter();
  calls.enter();
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(calls.size).toBe(1);
});

test('draining an empty server is done at once, and nobody comes in after it', async () => {
  const calls = new Calls(2);
  await calls.drain(1000);
  expect(() => calls.enter()).toThrow(expect.objectContaining({ code: 'shutting-down' }));
  expect(calls.shutdown.aborted).toBe(false);
});

test('draining tells each live call, and waits for the last of them', async () => {
  const calls = new Calls(2);
  const places = [calls.enter(), calls.enter()];
  const drained = calls.drain(1000);
  expect(await isSettled(Promise.all(places.map(({ goingAway }) => goingAway)))).toBe(true);
  places[0]![Symbol.dispose]();
  expect(await isSettled(drained)).toBe(false);
  places[1]![Symbol.dispose]();
  await drained;
  expect(calls.shutdown.aborted).toBe(false);
});

test('a live call hears nothing while the server stays', async () => {
  const calls = new Calls(1);
  using place = calls.enter();
  expect(await isSettled(place.goingAway)).toBe(false);
});

test('calls that do not end within the grace period are aborted, and waited for', async () => {
  const calls = new Calls(1);
  const place = calls.enter();
  const drained = calls.drain(1000);
  vi.advanceTimersByTime(999);
  expect(calls.shutdown.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(calls.shutdown.reason).toMatchObject({ code: 'shutting-down' });
  expect(await isSettled(drained)).toBe(false);
  place[Symbol.dispose]();
  await drained;
});
