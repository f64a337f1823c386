import { expect, test } from 'vitest';
import { ResultQueue } from '../../../clients/typescript/result-queue.ts';
import { isSettled } from '../../fixtures/settled.ts';

function openQueue(maxResults = 4) {
  const flow: string[] = [];
  const source = { pause: () => flow.push('pause'), resume: () => flow.push('resume') };
  return { flow, queue: new ResultQueue<number>(source, maxResults) };
}

test('results come out in the order in which they came, waited for or not', async () => {
  const { queue } = openQueue();
  const first = queue.take();
  const second = queue.take();
  for (const value of [1, 2, 3]) queue.push(value);
  const taken = await Promise.all([first, second, queue.take()]);
  expect(taken.map(({ value }) => value)).toEqual([1, 2, 3]);
});

test('the source is stopped once when it is full, and goes on once when half is taken', async () => {
  const { flow, queue } = openQueue(4);
  for (const value of [1, 2, 3]) queue.push(value);
  expect(flow).toEqual([]);
  for (const value of [4, 5, 6]) queue.push(value);
  expect(flow).toEqual(['pause']);
  for (let left = 5; left > 2; left--) await queue.take();
  expect(flow).toEqual(['pause']);
  await queue.take();
  expect(flow).toEqual(['pause', 'resume']);
  await queue.take();
  await queue.take();
  for (const value of [7, 8, 9, 10]) queue.push(value);
  expect(flow).toEqual(['pause', 'resume', 'pause']);
});

test('a result that is waited for never stops the source', async () => {
  const { flow, queue } = openQueue(1);
  for (let value = 0; value < 5; value++) {
    const next = queue.take();
    queue.push(value);
    await next;
  }
  expect(flow).toEqual([]);
});

test('what came before the end is still delivered, then the end, for ever', async () => {
  const { queue } = openQueue();
  queue.push(1);
  queue.close(null);
  expect(await queue.take()).toEqual({ done: false, value: 1 });
  expect(await queue.take()).toEqual({ done: true, value: undefined });
  expect(await queue.take()).toEqual({ done: true, value: undefined });
});

test('the first end stays: an error is not covered by a later end, nor the other way', async () => {
  const broken = new Error('broken');
  const failed = openQueue().queue;
  failed.close(broken);
  failed.close(null);
  await expect(failed.take()).rejects.toBe(broken);
  const ended = openQueue().queue;
  ended.close(null);
  ended.close(broken);
  expect(await ended.take()).toEqual({ done: true, value: undefined });
});

test('everybody who waits is told of the end', async () => {
  const { queue } = openQueue();
  const waiting = [queue.take(), queue.take()];
  expect(await isSettled(Promise.race(waiting))).toBe(false);
  queue.close(null);
  expect(await Promise.all(waiting)).toMatchObject([{ done: true }, { done: true }]);
});
