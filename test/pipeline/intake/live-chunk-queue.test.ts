import { expect, test, vi } from 'vitest';
import type { Container } from '../../../src/frame/container.ts';
import {
  LiveChunkQueue,
  type EncodedChunk,
} from '../../../src/pipeline/intake/live-chunk-queue.ts';
import { isSettled, settled } from '../../fixtures/settled.ts';

/** A queue on a clock that the test moves, and what the decoder took from it. */
function openQueue(container: Container = 'ivf') {
  const clock = { nowMs: 0 };
  const taken: EncodedChunk[] = [];
  const queue = new LiveChunkQueue({
    container,
    nowMs: () => clock.nowMs,
    onTaken: (chunk) => taken.push(chunk),
  });
  const chunks = queue[Symbol.asyncIterator]();
  const take = async () => (await chunks.next()).value?.[0];
  return { clock, taken, queue, take, chunks };
}

/** The first piece of access unit `unit`; without a time, a further piece of one. */
function piece(unit: number, said: Partial<EncodedChunk> = {}): EncodedChunk {
  return { data: Uint8Array.of(unit), captureTimestampUs: unit, randomAccess: false, ...said };
}

/** The beginning of an MP4's fragment. */
function fragment(unit: number): Uint8Array {
  return Uint8Array.from([unit, 0, 0, 0, ...Buffer.from('moof')]);
}

test('chunks come out in order, and young ones are never skipped', async () => {
  const { clock, queue, take } = openQueue();
  for (const unit of [0, 1, 2]) await queue.push(piece(unit, { randomAccess: true }));
  clock.nowMs = 250;
  queue.end();
  expect([await take(), await take(), await take(), await take()]).toEqual([0, 1, 2, undefined]);
  expect(queue.framesSkippedBefore(3)).toBe(0);
});

test('video that waited too long is skipped up to the newest random access point', async () => {
  const { clock, queue, take, taken } = openQueue();
  await queue.push(piece(0, { randomAccess: true }));
  expect(await take()).toBe(0);
  for (const unit of [1, 2, 3, 4, 5, 6]) {
    await queue.push(piece(unit, { randomAccess: unit === 3 || unit === 5 }));
  }
  clock.nowMs = 251;
  expect(await take()).toBe(5);
  expect(await take()).toBe(6);
  // One frame was decoded before the gap; the second is the sixth of the video.
  expect([0, 1, 2].map((decoded) => queue.framesSkippedBefore(decoded))).toEqual([0, 4, 4]);
  expect(taken.map(({ captureTimestampUs }) => captureTimestampUs)).toEqual([0, 5, 6]);
});

test('a frame that begins with what was put behind the unit before it has those skipped before it', async () => {
  const { clock, queue, take } = openQueue();
  // Its last two bytes are the delimiter of the next unit.
  const closed = { data: Uint8Array.of(0, 1, 2, 9, 9), nextUnitBytes: 2 };
  await queue.push(piece(0, { ...closed, randomAccess: true }));
  expect(await take()).toBe(0);
  for (const unit of [1, 2, 3]) {
    await queue.push(piece(unit, { ...closed, randomAccess: unit === 3 }));
  }
  clock.nowMs = 251;
  await take();
  const firstAt = closed.data.length - closed.nextUnitBytes;
  expect([queue.framesSkippedBefore(0, 0), queue.framesSkippedBefore(1, firstAt)]).toEqual([0, 2]);
});

test('the decoder gets six access units ahead of its pictures, and what it cannot take is skipped', async () => {
  const { clock, queue, take } = openQueue();
  for (let unit = 0; unit < 12; unit++) {
    await queue.push(piece(unit, { randomAccess: unit === 0 || unit === 9 }));
  }
  for (const unit of [0, 1, 2, 3, 4, 5]) expect(await take()).toBe(unit);
  const seventh = take();
  expect(await isSettled(seventh)).toBe(false);
  clock.nowMs = 251;
  queue.framesSkippedBefore(0);
  expect(await seventh).toBe(9);
  expect(queue.framesSkippedBefore(6)).toBe(3);
});

test('a decoder that makes no picture of what it has is given more', async () => {
  vi.useFakeTimers();
  const { clock, queue, take } = openQueue();
  for (let unit = 0; unit < 12; unit++) await queue.push(piece(unit, { randomAccess: unit === 0 }));
  for (const unit of [0, 1, 2, 3, 4, 5]) expect(await take()).toBe(unit);
  for (const unit of [6, 7, 8]) {
    const next = take();
    clock.nowMs += 250;
    await vi.advanceTimersByTimeAsync(250);
    expect(await next).toBe(unit);
  }
  vi.useRealTimers();
});

test('an access unit that was begun is finished before anything is skipped', async () => {
  const { clock, queue, take } = openQueue();
  await queue.push(piece(0, { randomAccess: true }));
  await queue.push(piece(90, { captureTimestampUs: null }));
  expect(await take()).toBe(0);
  for (const unit of [1, 2]) {
    await queue.push(piece(unit, { randomAccess: unit === 2 }));
    await queue.push(piece(90 + unit, { captureTimestampUs: null }));
  }
  clock.nowMs = 300;
  queue.end();
  expect([await take(), await take(), await take()]).toEqual([90, 2, 92]);
  expect(queue.framesSkippedBefore(1)).toBe(1);
});

test.each([
  ['without random access points', 'ivf', { randomAccess: false }],
  ['without times of access units', 'ivf', { captureTimestampUs: null }],
  ['of an MP4 that is not fragmented', 'mp4', {}],
  ['in a container whose elements would break', 'matroska', {}],
] as const)('nothing is skipped %s', async (_case, container, said) => {
  const { clock, queue, take } = openQueue(container);
  for (const unit of [0, 1, 2]) await queue.push(piece(unit, { randomAccess: true, ...said }));
  clock.nowMs = 10_000;
  expect([await take(), await take(), await take()]).toEqual([0, 1, 2]);
});

test('fragments of an MP4 are skipped whole', async () => {
  const { clock, queue, take } = openQueue('mp4');
  await queue.push(piece(0, { randomAccess: true }));
  expect(await take()).toBe(0);
  for (const unit of [1, 2, 3]) {
    await queue.push(piece(unit, { data: fragment(unit), randomAccess: unit === 3 }));
  }
  clock.nowMs = 300;
  expect(await take()).toBe(3);
  expect(queue.framesSkippedBefore(1)).toBe(2);
});

test('frames of a fragment that is begun come before what is skipped behind it', async () => {
  const { clock, queue, take } = openQueue('mp4');
  await queue.push(piece(0, { data: fragment(0), randomAccess: true }));
  // Two more frames of the first fragment, each with its time, wait when the next ones are skipped.
  for (const unit of [1, 2]) await queue.push(piece(unit));
  expect(await take()).toBe(0);
  for (const unit of [3, 4, 5]) {
    await queue.push(piece(unit, { data: fragment(unit), randomAccess: unit === 5 }));
  }
  clock.nowMs = 300;
  expect([await take(), await take(), await take()]).toEqual([1, 2, 5]);
  const starts = [4, 8, 9, 14];
  const skippedBefore = starts.map((position, at) => queue.framesSkippedBefore(at, position));
  expect(skippedBefore).toEqual([0, 0, 0, 2]);
});

test('of a container without positions, too, those count as given that are sure to be', async () => {
  const { clock, queue, take } = openQueue('mp4');
  await queue.push(piece(0, { data: fragment(0), randomAccess: true }));
  await queue.push(piece(1));
  expect(await take()).toBe(0);
  for (const unit of [2, 3]) {
    await queue.push(piece(unit, { data: fragment(unit), randomAccess: unit === 3 }));
  }
  clock.nowMs = 300;
  expect([await take(), await take()]).toEqual([1, 3]);
  expect([0, 1, 2].map((decoded) => queue.framesSkippedBefore(decoded))).toEqual([0, 0, 1]);
});

test('a unit without an end, and two skips in a row: each frame has those before it', async () => {
  const { clock, queue, take } = openQueue();
  await queue.push(piece(0, { randomAccess: true }));
  expect(await take()).toBe(0);
  for (const unit of [1, 2]) await queue.push(piece(unit, { randomAccess: unit === 2 }));
  clock.nowMs = 251;
  expect(await take()).toBe(2);
  for (const unit of [3, 4, 5]) await queue.push(piece(unit, { randomAccess: unit === 5 }));
  clock.nowMs = 510;
  expect(await take()).toBe(5);
  await queue.push(piece(6));
  expect(await take()).toBe(6);
  // One byte each; units 1, 3 and 4 were skipped.
  const skippedBefore = [0, 1, 2, 3].map((at) => queue.framesSkippedBefore(at, at));
  expect(skippedBefore).toEqual([0, 1, 3, 3]);
});

test('a unit that gives no picture shifts no skip, where frames have their positions', async () => {
  const { clock, queue, take } = openQueue();
  await queue.push(piece(0, { randomAccess: true }));
  await queue.push(piece(1));
  expect([await take(), await take()]).toEqual([0, 1]);
  for (const unit of [2, 3]) await queue.push(piece(unit, { randomAccess: unit === 3 }));
  clock.nowMs = 251;
  expect(await take()).toBe(3);
  expect([queue.framesSkippedBefore(0, 0), queue.framesSkippedBefore(1, 2)]).toEqual([0, 1]);
});

test('pictures of earlier frames that go before the video of a resumed stream may be skipped, too', async () => {
  const { clock, queue, take } = openQueue();
  // Two references, then the video from its random access point on; all was sent at once.
  for (const unit of [0, 1, 2]) await queue.push(piece(unit, { randomAccess: true }));
  for (const unit of [3, 4, 5]) await queue.push(piece(unit, { randomAccess: unit === 5 }));
  expect(await take()).toBe(0);
  clock.nowMs = 251;
  expect(await take()).toBe(5);
  expect([queue.framesSkippedBefore(0, 0), queue.framesSkippedBefore(1, 1)]).toEqual([0, 4]);
});

test('an MP4 whose header announces fragments may queue before the first of them', async () => {
  const { queue } = openQueue('mp4');
  const header = Uint8Array.from([0, 0, 0, 8, ...Buffer.from('ftyp....mvex')]);
  await queue.push(piece(0, { data: header, randomAccess: true }));
  let pushed = false;
  const first = queue.push(piece(1, { data: new Uint8Array(64 * 1024) }));
  void queue.push(piece(2)).then(() => (pushed = true));
  await first;
  await settled();
  expect(pushed).toBe(true);
});

test.each([
  ['that marks random access points', true, 2 * 1024 * 1024],
  ['that does not', false, 32 * 1024],
])(
  'a sender %s waits when it is far ahead, and is freed by the decoder or by its end',
  async (_case, randomAccess, bytes) => {
    const { queue, take, chunks } = openQueue();
    const large = { data: new Uint8Array(bytes), randomAccess };
    await queue.push(piece(0, large));
    let pushed = 0;
    const waiting = [1, 2].map((unit) => queue.push(piece(unit, large)).then(() => pushed++));
    await settled();
    expect(pushed).toBe(0);
    expect(await take()).toBe(0);
    await waiting[0];
    expect(pushed).toBe(1);
    await chunks.return();
    await waiting[1];
    expect(pushed).toBe(2);
  },
);

test('never: a decoder that waits is woken by the end alone', async () => {
  const { queue, take } = openQueue();
  const next = take();
  expect(await isSettled(next)).toBe(false);
  queue.end();
  expect(await next).toBeUndefined();
});

test('empty: it ends at once, and nothing was skipped', async () => {
  const { queue, take, taken } = openQueue();
  queue.end();
  expect(await take()).toBeUndefined();
  expect(queue.framesSkippedBefore(0)).toBe(0);
  expect(taken).toEqual([]);
});

test('one: it is handed over however old it is, though the end has come', async () => {
  const { clock, queue, take } = openQueue();
  await queue.push(piece(7, { randomAccess: true }));
  queue.end();
  clock.nowMs = 60_000;
  expect([await take(), await take()]).toEqual([7, undefined]);
});

test('a decoder that leaves takes what waits with it, and later chunks are dropped', async () => {
  const { queue, taken, chunks, take } = openQueue();
  for (const unit of [0, 1, 2]) await queue.push(piece(unit));
  await take();
  await chunks.return();
  await queue.push(piece(3));
  expect((await queue[Symbol.asyncIterator]().next()).done).toBe(true);
  expect(taken).toHaveLength(1);
});

test('tens of thousands of tiny pieces of one access unit are not looked at over and over', async () => {
  const { clock, queue, take } = openQueue();
  await queue.push(piece(0, { randomAccess: true }));
  expect(await take()).toBe(0);
  const pieces = 60_000;
  const push = async () => {
    for (let index = 0; index < pieces; index++) {
      await queue.push(piece(1, { randomAccess: true, captureTimestampUs: null }));
    }
    queue.end();
  };
  const pushing = push();
  await new Promise(setImmediate);
  clock.nowMs = 300;
  const startedMs = performance.now();
  let taken = 0;
  while ((await take()) !== undefined) taken++;
  await pushing;
  expect(taken).toBe(pieces);
  expect(performance.now() - startedMs).toBeLessThan(8000);
});

test('as many chunks wait as may, however small', async () => {
  const { queue, take } = openQueue();
  let pushed = 0;
  for (let unit = 0; unit < 5000; unit++) {
    void queue.push(piece(unit % 256, { randomAccess: true })).then(() => pushed++);
  }
  await new Promise(setImmediate);
  expect(pushed).toBe(4096);
  await take();
  await expect.poll(() => pushed).toBeGreaterThan(4096);
});
