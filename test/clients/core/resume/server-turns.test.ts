import { expect, test } from 'vitest';
import { ServerTurns } from '../../../../clients/core/resume/server-turns.ts';

/** Time stands still unless a test moves it; pauses are whole ones. */
function turnsOf(servers: number, giveUpAfterMs = 1000) {
  const clock = { nowMs: 5000 };
  const options = { backOff: { firstMs: 100, mostMs: 250 }, giveUpAfterMs, random: () => 1 };
  return { clock, turns: new ServerTurns(servers, () => clock.nowMs, options) };
}

test('servers are asked in turn, with pauses that grow to a bound', () => {
  const { turns } = turnsOf(2);
  const asked = [turns.current];
  const pauses = [1, 2, 3].map(() => {
    const pauseMs = turns.next(true, 0);
    asked.push(turns.current);
    return pauseMs;
  });
  expect(asked).toEqual([0, 1, 0, 1]);
  expect(pauses).toEqual([100, 200, 250]);
});

test('an answered frame ends the interruption, and the pauses begin anew', () => {
  const { clock, turns } = turnsOf(1);
  turns.next(true, 0);
  turns.next(true, 0);
  expect(turns.isResuming).toBe(true);
  clock.nowMs += 700;
  expect(turns.answered()).toBe(700);
  expect(turns.isResuming).toBe(false);
  expect(turns.next(true, 0)).toBe(100);
});

test('a server is not asked before the time that it named, others are', () => {
  const { clock, turns } = turnsOf(2);
  expect(turns.next(true, 400)).toBe(100);
  clock.nowMs += 150;
  expect(turns.next(true, 0)).toBe(250 + 200);
});

test('a stream that never began asks each server once, without a pause', () => {
  const { turns } = turnsOf(2);
  expect(turns.mayGoOn(false)).toBe(true);
  expect(turns.next(false, 0)).toBe(0);
  expect(turns.mayGoOn(false)).toBe(false);
});

test('a stream gives up once it had no answer for as long as it may', () => {
  const { clock, turns } = turnsOf(1);
  clock.nowMs += 5000;
  expect(turns.mayGoOn(true)).toBe(true);
  turns.next(true, 0);
  clock.nowMs += 999;
  expect(turns.mayGoOn(true)).toBe(true);
  clock.nowMs += 1;
  expect(turns.mayGoOn(true)).toBe(false);
});
