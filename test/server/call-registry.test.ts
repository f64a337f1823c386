import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SegmentationError } from '../../src/frame/errors.ts';
import { Calls } from '../../src/server/call-registry.ts';
import { isSettled } from '../fixtures/settled.ts';

function open(maxStreams: number): Calls {
  return new Calls({ maxStreams, maxQuietMs: Infinity });
}

function nobody(): void {}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => {
  const left = vi.getTimerCount();
  vi.useRealTimers();
  if (left > 0) throw new Error(`${left} timers were left`);
});

test('there are so many places and no more; one that is left is free again', () => {
  const calls = open(2);
  const first = calls.enter(nobody);
  const second = calls.enter(nobody);
  expect(() => calls.enter(nobody)).toThrow(expect.objectContaining({ code: 'too-many-streams' }));
  expect(calls.size).toBe(2);
  first[Symbol.dispose]();
  using third = calls.enter(nobody);
  expect(calls.size).toBe(2);
  expect(new Set([first.id, second.id, third.id]).size).toBe(3);
});

test('a place that is left twice frees one place', () => {
  const calls = open(2);
  const first = calls.enter(nobody);
  calls.enter(nobody);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(calls.size).toBe(1);
});

test('draining an empty server is done at once, and nobody comes in after it', async () => {
  const calls = open(2);
  await calls.drain(1000);
  expect(() => calls.enter(nobody)).toThrow(expect.objectContaining({ code: 'shutting-down' }));
  expect(calls.shutdown.aborted).toBe(false);
});

test('draining tells each live call, and waits for the last of them', async () => {
  const calls = open(2);
  const places = [calls.enter(nobody), calls.enter(nobody)];
  const drained = calls.drain(1000);
  expect(await isSettled(Promise.all(places.map(({ goingAway }) => goingAway)))).toBe(true);
  places[0]![Symbol.dispose]();
  expect(await isSettled(drained)).toBe(false);
  places[1]![Symbol.dispose]();
  await drained;
  expect(calls.shutdown.aborted).toBe(false);
});

test('a live call hears nothing while the server stays', async () => {
  const calls = open(1);
  using place = calls.enter(nobody);
  expect(await isSettled(place.goingAway)).toBe(false);
});

test('calls that do not end within the grace period are aborted, and waited for', async () => {
  const calls = open(1);
  const place = calls.enter(nobody);
  const drained = calls.drain(1000);
  vi.advanceTimersByTime(999);
  expect(calls.shutdown.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(calls.shutdown.reason).toMatchObject({ code: 'shutting-down' });
  expect(await isSettled(drained)).toBe(false);
  place[Symbol.dispose]();
  await drained;
});

function registry() {
  const clock = { nowMs: 0 };
  const ended: string[] = [];
  const calls = new Calls({ maxStreams: 2, maxQuietMs: 20_000 }, () => clock.nowMs);
  const enter = (name: string) =>
    calls.enter(({ code }: SegmentationError) => ended.push(`${name}: ${code}`));
  return { clock, ended, calls, enter };
}

test('a full server refuses one more while all do work', () => {
  const { clock, ended, enter } = registry();
  const first = enter('first');
  enter('second').progress();
  clock.nowMs = 30_000;
  first.progress();
  enter('third');
  expect(ended).toEqual(['second: too-many-streams']);
  expect(() => enter('fourth')).toThrow('at most 2 streams');
});

test('a call that lost its place leaves no other one without', () => {
  const { clock, calls, enter } = registry();
  const silent = enter('silent');
  enter('other');
  clock.nowMs = 20_000;
  enter('new');
  silent[Symbol.dispose]();
  expect(calls.size).toBe(2);
});
