import { expect, test } from 'vitest';
import { ChunkQueue } from '../../../src/pipeline/intake/chunk-queue.ts';
import { isSettled, settled } from '../../fixtures/settled.ts';

test('a chunk queue takes the next chunk when the one before is taken', async () => {
  const queue = new ChunkQueue();
  await queue.push(Uint8Array.of(1));
  const second = queue.push(Uint8Array.of(2));
  expect(await isSettled(second)).toBe(false);
  const chunks = queue[Symbol.asyncIterator]();
  expect((await chunks.next()).value).toEqual(Uint8Array.of(1));
  await second;
  queue.end();
  expect((await chunks.next()).value).toEqual(Uint8Array.of(2));
  expect((await chunks.next()).done).toBe(true);
  await queue.push(Uint8Array.of(3));
});

test('a decoder that stops early frees a reader that waits', async () => {
  const queue = new ChunkQueue();
  await queue.push(Uint8Array.of(1));
  const second = queue.push(Uint8Array.of(2));
  const chunks = queue[Symbol.asyncIterator]();
  await chunks.next();
  const third = queue.push(Uint8Array.of(3));
  await chunks.return();
  const pushes = [second, third, queue.push(Uint8Array.of(4))];
  expect(await isSettled(Promise.all(pushes))).toBe(true);
});

test('never: a decoder that waits is woken by the end alone', async () => {
  const queue = new ChunkQueue();
  const next = queue[Symbol.asyncIterator]().next();
  expect(await isSettled(next)).toBe(false);
  queue.end();
  queue.end();
  expect(await next).toEqual({ done: true, value: undefined });
});

test('empty: it ends at once, for everybody who asks', async () => {
  const queue = new ChunkQueue();
  queue.end();
  for (let reader = 0; reader < 2; reader++) {
    expect((await queue[Symbol.asyncIterator]().next()).done).toBe(true);
  }
});

test('one: a chunk that waits is handed over though the end has come', async () => {
  const queue = new ChunkQueue();
  await queue.push(Uint8Array.of(1));
  queue.end();
  const taken: number[] = [];
  for await (const chunk of queue) taken.push(...chunk);
  expect(taken).toEqual([1]);
});

test('many: chunks come out in order, and the sender is never more than one ahead', async () => {
  const queue = new ChunkQueue();
  let pushed = 0;
  const sent = (async () => {
    for (let index = 0; index < 50; index++) {
      await queue.push(Uint8Array.of(index));
      pushed++;
    }
    queue.end();
  })();
  const taken: number[] = [];
  for await (const chunk of queue) {
    taken.push(...chunk);
    await settled();
    expect(pushed - taken.length).toBeLessThanOrEqual(1);
  }
  await sent;
  expect(taken).toEqual(Array.from({ length: 50 }, (_, index) => index));
});

test('with bounds, chunks are taken until they are met, in bytes or in number', async () => {
  const queue = new ChunkQueue({ maxBytes: 4, maxChunks: 3 });
  await queue.push(new Uint8Array(2));
  await queue.push(new Uint8Array(1));
  const tooMany = queue.push(new Uint8Array(2));
  expect(await isSettled(tooMany)).toBe(false);
  const chunks = queue[Symbol.asyncIterator]();
  await chunks.next();
  expect(await isSettled(tooMany)).toBe(true);
  await queue.push(new Uint8Array(0));
  expect(await isSettled(queue.push(new Uint8Array(0)))).toBe(false);
});

test('a chunk larger than the bound is taken alone', async () => {
  const queue = new ChunkQueue({ maxBytes: 4, maxChunks: 3 });
  expect(await isSettled(queue.push(new Uint8Array(9)))).toBe(true);
  expect(await isSettled(queue.push(new Uint8Array(1)))).toBe(false);
});
