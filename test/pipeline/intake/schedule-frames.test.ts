import { afterEach, expect, test } from 'vitest';
import { FramePool, liveFrames, type Frame } from '../../../src/frame/frame.ts';
import type { DecodeEvent, VideoFormat } from '../../../src/frame/ports.ts';
import {
  discardItem,
  conflateItems,
  scheduleFrames,
  type ScheduledFrame,
} from '../../../src/pipeline/intake/schedule-frames.ts';

const size = { width: 8, height: 8 };
const pool = new FramePool();
const format: VideoFormat = {
  fromFrameIndex: 0,
  display: size,
  analysis: size,
  frameRate: null,
  codec: 'fake',
};

afterEach(() => {
  if (liveFrames() !== 0) throw new Error(`${liveFrames()} frames were not closed`);
});

function frame(index: number): Frame {
  const timestampUs = index * 1000;
  return pool.create({
    index,
    timestampUs,
    timestampSynthetic: false,
    analysis: size,
    display: size,
    decodedAtMs: 0,
  });
}

async function* broken(): AsyncGenerator<DecodeEvent> {
  yield* decoded([0]);
  throw new Error('broken');
}

async function* decoded(events: readonly (number | VideoFormat)[]): AsyncGenerator<DecodeEvent> {
  for (const event of events) {
    if (typeof event === 'number') yield { kind: 'frame', frame: frame(event) };
    else yield { kind: 'format', format: event };
  }
}

function schedule(events: AsyncIterable<DecodeEvent>, needsNextFrame: (frame: Frame) => boolean) {
  return scheduleFrames(events, {
    needsNextFrame,
    takeCaptureTimestamp: () => null,
    onFrames: () => undefined,
  });
}

async function collect(items: ReturnType<typeof schedule>): Promise<ScheduledFrame[]> {
  const frames: ScheduledFrame[] = [];
  for await (const item of items) {
    if (item.kind === 'frame') frames.push(item);
    discardItem(item);
  }
  return frames;
}

test('a format goes with the first frame after it, and with no other', async () => {
  const items = await collect(schedule(decoded([format, 0, 1, format, 2]), () => false));
  expect(items.map((item) => item.format)).toEqual([format, null, format]);
  expect(items.map((item) => item.nextTimestampUs)).toEqual([null, null, null]);
});

test('a frame waits for the next time only where a prompt needs it; the last one for ever', async () => {
  const items = await collect(schedule(decoded([0, 1, 2, 3]), ({ index }) => index % 2 === 1));
  expect(items.map((item) => [item.frame.index, item.nextTimestampUs])).toEqual([
    [0, null],
    [1, 2000],
    [2, null],
    [3, Number.POSITIVE_INFINITY],
  ]);
});

test('ended at any moment, it closes the frame that waits and the one that came', async () => {
  for (let count = 0; count < 4; count++) {
    const items = schedule(decoded([0, 1, 2, 3, 4]), () => true);
    for (let i = 0; i < count; i++) {
      const next = await items.next();
      if (!next.done) discardItem(next.value);
    }
    await items.return();
    expect(liveFrames(), `after ${count} items`).toBe(0);
  }
});

test('a decoder that fails: the frame that waits is closed', async () => {
  await expect(collect(schedule(broken(), () => true))).rejects.toThrow('broken');
  expect(liveFrames()).toBe(0);
});

test('a conflated frame is closed and counted, and its format lives on', async () => {
  const frames: ScheduledFrame[] = [];
  for await (const item of schedule(decoded([format, 0, 1, 2]), () => false)) {
    if (item.kind === 'frame') frames.push(item);
  }
  const [a, b, c] = frames as [ScheduledFrame, ScheduledFrame, ScheduledFrame];
  const newest = conflateItems(conflateItems(a, b), c);
  expect(newest).toMatchObject({ frame: c.frame, format, framesDroppedBefore: 2 });
  expect(liveFrames()).toBe(1);
  const warned = conflateItems(newest, { kind: 'warning', message: 'damage' });
  expect(warned).toBe(newest);
  const last = conflateItems(newest, { kind: 'truncated', message: 'ends early' });
  expect(last).toMatchObject({ frame: c.frame, truncated: 'ends early' });
  discardItem(last);
});

/** A frame on which nothing else happens. */
function scheduled(index: number): ScheduledFrame {
  return {
    kind: 'frame',
    frame: frame(index),
    format: null,
    nextTimestampUs: null,
    framesDroppedBefore: 0,
    bridge: [],
    captureTimestampUs: null,
    truncated: null,
    resumedFrom: [],
  };
}

test('of a long gap some frames are kept for flow to pass over, unless the size changes in it', () => {
  const gap = Array.from({ length: 14 }, (_, i) => scheduled(i + 1));
  const newest = gap.reduce((older, newer) => conflateItems(older, newer) as ScheduledFrame);
  expect(newest).toMatchObject({ framesDroppedBefore: 13 });
  expect(newest.bridge.map(({ index }) => index)).toEqual([3, 6, 9, 12]);
  expect(liveFrames()).toBe(5);
  const larger = { width: 16, height: 16 };
  const at = { timestampUs: 15_000, timestampSynthetic: false, decodedAtMs: 0 };
  const other = pool.create({ ...at, index: 15, analysis: larger, display: larger });
  const resized = conflateItems(newest, {
    ...newest,
    frame: other,
    framesDroppedBefore: 0,
    bridge: [],
  }) as ScheduledFrame;
  expect(resized.bridge).toEqual([]);
  discardItem(resized);
});
