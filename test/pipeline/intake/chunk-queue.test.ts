import { expect, test } from 'vitest';
import { ChunkQueue } from '../../../src/pipeline/intake/chunk-queue.ts';
import { isSettled } from '../../fixtures/settled.ts';

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
