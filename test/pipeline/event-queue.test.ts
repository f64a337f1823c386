import { expect, test } from 'vitest';
import { EventQueue } from '../../src/pipeline/event-queue.ts';
import { isSettled } from '../fixtures/settled.ts';

test('an event queue hands over in order, then ends; later events are ignored', async () => {
  const queue = new EventQueue<number>(2);
  queue.push(1);
  queue.push(2);
  queue.push(3);
  queue.end();
  queue.push(4);
  const seen: number[] = [];
  for await (const item of queue) seen.push(item);
  expect(seen).toEqual([1, 2, 3]);
});

test('an event queue that fails hands over what is queued first', async () => {
  const queue = new EventQueue<number>(2);
  const broken = new Error('broken');
  queue.push(1);
  queue.fail(broken);
  queue.end();
  const items = queue[Symbol.asyncIterator]();
  expect(await items.next()).toEqual({ done: false, value: 1 });
  await expect(items.next()).rejects.toBe(broken);
});

test('a producer waits for room until the consumer has made it', async () => {
  const queue = new EventQueue<number>(2);
  const items = queue[Symbol.asyncIterator]();
  queue.push(1);
  expect(await isSettled(queue.room())).toBe(true);
  queue.push(2);
  queue.push(3);
  const room = queue.room();
  expect(await isSettled(room)).toBe(false);
  await items.next();
  expect(await isSettled(room)).toBe(false);
  await items.next();
  expect(await isSettled(room)).toBe(true);
});

test('a queue without a bound, or an ended one, has always room', async () => {
  for (const open of ['unbound', 'end'] as const) {
    const queue = new EventQueue<number>(1);
    queue.push(1);
    const room = queue.room();
    expect(await isSettled(room)).toBe(false);
    queue[open]();
    expect(await isSettled(room)).toBe(true);
    expect(await isSettled(queue.room())).toBe(true);
  }
});

test('a consumer that waits is woken by an item and by the end', async () => {
  const queue = new EventQueue<number>(1);
  const items = queue[Symbol.asyncIterator]();
  const first = items.next();
  queue.push(7);
  expect(await first).toEqual({ done: false, value: 7 });
  const second = items.next();
  queue.end();
  expect(await second).toEqual({ done: true, value: undefined });
});

test('empty: a queue that failed before anything came fails whoever reads it', async () => {
  const queue = new EventQueue<number>(1);
  const broken = new Error('broken');
  queue.fail(broken);
  await expect(queue[Symbol.asyncIterator]().next()).rejects.toBe(broken);
});

test('a consumer that waits is woken by a failure, and its producer has room', async () => {
  const queue = new EventQueue<number>(1);
  const next = queue[Symbol.asyncIterator]().next();
  queue.fail(new Error('broken'));
  await expect(next).rejects.toThrow('broken');
  expect(await isSettled(queue.room())).toBe(true);
});
