import { expect, test } from 'vitest';
import { ClientPatience } from '../../../src/server/requests/client-patience.ts';

function open() {
  const clock = { nowMs: 0 };
  const limits = {
    idleTimeoutMs: 600_000,
    stallTimeoutMs: 600_000,
    minRequestBytesPerSecond: 1000,
  };
  const patience = new ClientPatience(limits, () => clock.nowMs);
  const wait = (ms: number) => {
    patience.waits(true);
    clock.nowMs += ms;
    patience.waits(false);
  };
  const work = (ms: number) => void (clock.nowMs += ms);
  return { patience, wait, work, clock };
}

const frame = (timestampUs: number, revision = 0) => ({ timestampUs, revision });

test('waits add up, the server’s own work does not', () => {
  const { patience, wait, work } = open();
  wait(100_000);
  work(3_600_000);
  wait(200_000);
  expect(patience.stallLeftMs()).toBe(300_000);
});

test('a byte every two minutes holds no place for longer than that', () => {
  const { patience, wait } = open();
  let waits = 0;
  while (patience.stallLeftMs() > 0) {
    wait(120_000);
    patience.received(1);
    waits++;
  }
  expect(waits).toBe(6);
});

test('a slow upload whose index comes last is progress until the first answer', () => {
  const { patience, wait } = open();
  for (let i = 0; i < 60; i++) {
    patience.received(60_000);
    wait(60_000);
  }
  expect(patience.stallLeftMs()).toBe(600_000);
  patience.answered(frame(0));
  wait(1000);
  patience.received(1_000_000);
  expect(patience.stallLeftMs()).toBe(599_000);
});

test('a second of answered video is progress, a frame now and then is not', () => {
  const { patience, wait } = open();
  patience.answered(frame(0));
  wait(300_000);
  patience.answered(frame(40_000));
  expect(patience.stallLeftMs()).toBe(300_000);
  patience.answered(frame(999_999));
  expect(patience.stallLeftMs()).toBe(300_000);
  patience.answered(frame(1_000_000));
  expect(patience.stallLeftMs()).toBe(600_000);
  wait(500_000);
  patience.answered(frame(1_900_000));
  expect(patience.stallLeftMs()).toBe(100_000);
});

test('a corrected frame is progress: somebody is at work', () => {
  const { patience, wait } = open();
  patience.answered(frame(0));
  wait(599_000);
  patience.answered(frame(0, 1));
  expect(patience.stallLeftMs()).toBe(600_000);
});

test('an answer while the client is waited for begins the wait anew', () => {
  const { patience, clock } = open();
  patience.waits(true);
  clock.nowMs += 400_000;
  patience.answered(frame(0));
  clock.nowMs += 100_000;
  expect(patience.stallLeftMs()).toBe(500_000);
});
