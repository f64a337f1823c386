import { afterEach, expect, test } from 'vitest';
import { FramePool, liveFrames, yuv420Bytes } from '../../src/frame/frame.ts';

const size = { width: 6, height: 4 };
const init = {
  index: 3,
  timestampUs: -7,
  timestampSynthetic: true,
  analysis: size,
  display: { width: 12, height: 8 },
  decodedAtMs: 1,
};

afterEach(() => {
  if (liveFrames() !== 0) throw new Error(`${liveFrames()} frames were not closed`);
});

test('a frame lives until its last owner closes it', () => {
  const frame = new FramePool().create(init);
  expect(frame).toMatchObject(init);
  expect(frame.retain()).toBe(frame);
  frame.close();
  expect(liveFrames()).toBe(1);
  frame.close();
  expect(liveFrames()).toBe(0);
});

test('more closes than owners, and owners after the last close, are found out', () => {
  const frame = new FramePool().create(init);
  frame.close();
  expect(() => frame.close()).toThrow('frame 3 closed more often than it was owned');
  expect(() => frame.retain()).toThrow('frame 3 retained after its last close');
});

test('`using` closes at the end of the block', () => {
  {
    using frame = new FramePool().create(init);
    expect(frame.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(liveFrames()).toBe(1);
  }
  expect(liveFrames()).toBe(0);
});

test('memory of closed frames is used again, for frames of the same size only', () => {
  const pool = new FramePool();
  const first = pool.create(init);
  const { buffer } = first.data;
  first.close();
  const second = pool.create(init);
  expect(second.data.buffer).toBe(buffer);
  second.close();
  const larger = pool.create({ ...init, analysis: { width: 8, height: 4 } });
  expect(larger.data).toHaveLength(yuv420Bytes({ width: 8, height: 4 }));
  expect(larger.data.buffer).not.toBe(buffer);
  larger.close();
});

test('the memory of two live frames is never shared, and spare memory is bounded', () => {
  const pool = new FramePool(1);
  const frames = [pool.create(init), pool.create(init), pool.create(init)];
  expect(new Set(frames.map(({ data }) => data.buffer)).size).toBe(3);
  const known = new Set(frames.map(({ data }) => data.buffer));
  for (const frame of frames) frame.close();
  const again = [pool.create(init), pool.create(init)];
  expect(again.filter(({ data }) => known.has(data.buffer))).toHaveLength(1);
  for (const frame of again) frame.close();
});

test('buffers of one least size serve frames of many, each with its own pixels only', () => {
  const pool = new FramePool(2, yuv420Bytes({ width: 8, height: 8 }));
  const first = pool.create(init);
  expect(first.data).toHaveLength(yuv420Bytes(size));
  const { buffer } = first.data;
  first.close();
  const wide = pool.create({ ...init, analysis: { width: 8, height: 2 } });
  expect(wide.data.buffer).toBe(buffer);
  expect(wide.data).toHaveLength(yuv420Bytes({ width: 8, height: 2 }));
  wide.close();
  const larger = pool.create({ ...init, analysis: { width: 16, height: 8 } });
  expect(larger.data).toHaveLength(yuv420Bytes({ width: 16, height: 8 }));
  larger.close();
});

test('yuv420p takes one and a half bytes a pixel', () => {
  expect(yuv420Bytes({ width: 640, height: 360 })).toBe(345_600);
});
