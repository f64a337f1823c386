import { expect, test } from 'vitest';
import { DecoderBacklog } from '../../../src/pipeline/intake/decoder-backlog.ts';

function given(units: number): DecoderBacklog {
  const backlog = new DecoderBacklog();
  for (let unit = 0; unit < units; unit++) backlog.give();
  return backlog;
}

test('six units may wait for their pictures', () => {
  expect([0, 5, 6].map((units) => given(units).isFull)).toEqual([false, false, true]);
});

test('each picture makes room for a unit', () => {
  const backlog = given(7);
  backlog.onPicture(1);
  expect(backlog.isFull).toBe(true);
  backlog.onPicture(2);
  expect(backlog.isFull).toBe(false);
});

test('a decoder that keeps sixteen units gets them, and six more', () => {
  const backlog = new DecoderBacklog();
  for (let units = 1; units <= 16; units++) {
    while (backlog.isFull) backlog.allowMore();
    backlog.give();
  }
  backlog.onPicture(1);
  let room = 0;
  for (; !backlog.isFull; room++) backlog.give();
  expect(room).toBeGreaterThanOrEqual(6);
});

test('what was allowed to a decoder that was only slow is taken back', () => {
  const backlog = given(6);
  for (let times = 0; times < 5; times++) backlog.allowMore();
  backlog.onPicture(6);
  for (let unit = 0; unit < 6; unit++) backlog.give();
  expect(backlog.isFull).toBe(true);
});
