import { expect, test } from 'vitest';
import { ChunkQueue } from '../../src/pipeline/intake/chunk-queue.ts';
import { EventQueue } from '../../src/pipeline/event-queue.ts';
import { InputReader } from '../../src/pipeline/intake/input-reader.ts';
import { settled } from '../fixtures/credit-source.ts';
import { InputScript, prompt } from '../fixtures/session-harness.ts';

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.finally(() => (done = true));
  await settled();
  return done;
}

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

function readerOf(inputs: InputScript) {
  const told: unknown[] = [];
  const reader = new InputReader(inputs, {
    onPrompt: ({ requestId }) => told.push(requestId),
    onFailure: (reason) => told.push(reason),
    onEnd: () => told.push('end'),
  });
  return { reader, told };
}

test('prompts wait behind the chunks that were sent before them', async () => {
  const inputs = new InputScript();
  const first = prompt(1, 0);
  const second = prompt(2, 0);
  inputs.prompt(first).frames(2).prompt(second).end();
  const { reader, told } = readerOf(inputs);
  await settled();
  expect(told).toEqual([first.requestId]);
  const chunks = reader.chunks[Symbol.asyncIterator]();
  await chunks.next();
  await settled();
  expect(told).toEqual([first.requestId, second.requestId, 'end']);
  expect((await chunks.next()).done).toBe(false);
  expect((await chunks.next()).done).toBe(true);
});

test('capture times are kept in order, and null is none', async () => {
  const inputs = new InputScript();
  for (const captureTimestampUs of [5, null, 6]) {
    inputs.push({ kind: 'chunk', data: Uint8Array.of(1), captureTimestampUs });
  }
  inputs.endOfVideo().end();
  const { reader } = readerOf(inputs);
  for await (const chunk of reader.chunks) expect(chunk).toHaveLength(1);
  expect([1, 2, 3].map(() => reader.takeCaptureTimestamp())).toEqual([5, 6, null]);
});

test('a failure is told once, and ends the chunks and the prompts', async () => {
  const broken = new Error('broken');
  const { reader, told } = readerOf(new InputScript().fail(broken));
  await settled();
  expect(told).toEqual([broken, 'end']);
  expect((await reader.chunks[Symbol.asyncIterator]().next()).done).toBe(true);
});

test('closing does not wait for a client that says nothing', async () => {
  const { reader, told } = readerOf(new InputScript());
  await settled();
  reader.close();
  reader.close();
  expect((await reader.chunks[Symbol.asyncIterator]().next()).done).toBe(true);
  expect(told).toEqual([]);
});
