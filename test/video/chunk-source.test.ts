import { expect, test } from 'vitest';
import { SegmentationError } from '../../src/frame/errors.ts';
import { abortable, ChunkSource, orNull } from '../../src/video/chunk-source.ts';
import { ItemSource } from '../fixtures/credit-source.ts';
import { isSettled } from '../fixtures/settled.ts';

const { signal: never } = new AbortController();
const ours = new SegmentationError('deadline-exceeded', 'too late');

/** Chunk k is k bytes long: the first is empty. */
function openSource(signal = never) {
  const sender = new ItemSource((id) => new Uint8Array(id).fill(id));
  return { sender, chunks: new ChunkSource(sender, signal) };
}

test('empty chunks are passed over, and the end is null, for ever', async () => {
  const { sender, chunks } = openSource();
  sender.offer(3).end();
  expect([await chunks.next(), await chunks.next()]).toEqual([
    Uint8Array.of(1),
    Uint8Array.of(2, 2),
  ]);
  expect([await chunks.next(), await chunks.next()]).toEqual([null, null]);
});

test('nothing is pulled before it is asked for', async () => {
  const { sender, chunks } = openSource();
  sender.offer(9);
  await chunks.next();
  expect(sender.made).toHaveLength(2);
});

test('chunks that were put back come first, in their order, also after the end', async () => {
  const { sender, chunks } = openSource();
  sender.offer(3).end();
  const taken = [await chunks.next(), await chunks.next()] as Uint8Array[];
  await chunks.next();
  chunks.unread(taken);
  expect([await chunks.next(), await chunks.next(), await chunks.next()]).toEqual([...taken, null]);
});

test('a sender that fails is told of, as it failed', async () => {
  const broken = new Error('broken');
  const { sender, chunks } = openSource();
  sender.fail(broken);
  await expect(chunks.next()).rejects.toBe(broken);
});

test('waiting ends with the signal, by its own reason or as cancelled', async () => {
  for (const reason of [ours, new Error('theirs')]) {
    const stop = new AbortController();
    const { chunks } = openSource(stop.signal);
    const next = chunks.next();
    stop.abort(reason);
    await expect(next).rejects.toMatchObject({
      code: reason === ours ? 'deadline-exceeded' : 'cancelled',
    });
    await expect(chunks.next()).rejects.toBeInstanceOf(SegmentationError);
  }
});

test('waiting that was cut off loses nothing: the chunk is for whoever asks next', async () => {
  const { sender, chunks } = openSource();
  const until = new AbortController();
  const waiting = chunks.next(until.signal);
  until.abort();
  expect(await waiting).toBeNull();
  sender.offer(3);
  expect(await chunks.next()).toEqual(Uint8Array.of(1));
  expect(await chunks.next(until.signal)).toBeNull();
  expect(await chunks.next()).toEqual(Uint8Array.of(2, 2));
});

test('closing tells the sender once, and does not wait for it', async () => {
  const { sender, chunks } = openSource();
  sender.offer(2);
  await chunks.next();
  chunks.unread([Uint8Array.of(5)]);
  chunks.close();
  chunks.close();
  expect(sender.returned).toBe(1);
  expect(await chunks.next()).toBeNull();
});

test('a sender that ended by itself is not told', async () => {
  const { sender, chunks } = openSource();
  sender.end();
  await chunks.next();
  chunks.close();
  expect(sender.returned).toBe(0);
});

test('no listener stays with a signal that outlives what was waited for', async () => {
  let listeners = 0;
  const stop = new AbortController();
  const add = stop.signal.addEventListener.bind(stop.signal);
  const remove = stop.signal.removeEventListener.bind(stop.signal);
  stop.signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  stop.signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  await abortable(Promise.resolve(1), stop.signal);
  await abortable(Promise.reject(new Error('broken')), stop.signal).catch(() => undefined);
  expect(listeners).toBe(0);
});

test('null stands for the signal alone: a failure stays a failure', async () => {
  const stop = new AbortController();
  const waiting = orNull(new Promise<number>(() => undefined), stop.signal);
  expect(await isSettled(waiting)).toBe(false);
  expect(await orNull(Promise.resolve(7), stop.signal)).toBe(7);
  await expect(orNull(Promise.reject(ours), stop.signal)).rejects.toBe(ours);
  stop.abort();
  expect(await waiting).toBeNull();
});
