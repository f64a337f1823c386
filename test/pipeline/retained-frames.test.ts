import { afterEach, expect, test } from 'vitest';
import { FramePool, liveFrames } from '../../src/frame/frame.ts';
import { initialState } from '../../src/pipeline/frame-task.ts';
import { RetainedFrames, type RetainedFrame } from '../../src/pipeline/retained-frames.ts';
import { newObjectRecord } from '../../src/pipeline/prompts/object-record.ts';
import { uneventful } from '../fixtures/fake-video.ts';

const size = { width: 8, height: 8 };
const pool = new FramePool();
const opened: RetainedFrames[] = [];

afterEach(() => {
  for (const frames of opened.splice(0)) frames.close();
  if (liveFrames() !== 0) throw new Error(`${liveFrames()} frames were not closed`);
});

function held(
  indexes: readonly number[],
  limits: Partial<Record<'frames' | 'bytes', number>> = {},
) {
  const { frames = 3, bytes = 1e9 } = limits;
  const retained = new RetainedFrames({ retainedFrames: frames, maxRetainedBytes: bytes });
  opened.push(retained);
  for (const index of indexes) retained.push(entry(index));
  return retained;
}

function entry(index: number): RetainedFrame {
  const frame = pool.create({
    index,
    timestampUs: index * 1000,
    timestampSynthetic: false,
    analysis: size,
    display: size,
    decodedAtMs: 0,
  });
  return { ...uneventful, frame, state: { ...initialState, sourceKeyframe: index } };
}

test('one more frame than may be named is held, and the oldest ones are closed', () => {
  const retained = held([0, 1, 2, 3, 4, 5]);
  expect(liveFrames()).toBe(4);
  expect(retained.from(0).map(({ frame }) => frame.index)).toEqual([2, 3, 4, 5]);
  expect(retained.newest?.frame.index).toBe(5);
});

test('bytes bound it as well, but the newest frame is always held', () => {
  held([0, 1, 2, 3], { bytes: 2 * 96 });
  expect(liveFrames()).toBe(2);
  held([0, 1], { bytes: 0 });
  expect(liveFrames()).toBe(3);
});

test('what a keyframe added to the memories of objects counts as bytes of its frame', () => {
  const trace = {
    keyframe: 0,
    prompted: true,
    map: new Uint16Array(50),
    pointer: new Float32Array(25),
  };
  const named = newObjectRecord(1, null, { frameIndex: 0, timestampUs: 0 });
  const record = { ...named, objectMemory: { keyframes: 1, traces: [trace] } };
  const frames = [0, 1, 2, 3].map((index): RetainedFrame => {
    const { state, ...rest } = entry(index);
    // Every frame is a keyframe: 96 bytes of pixels and 200 of memory.
    const lastKeyframe = { frameIndex: index, timestampUs: 0 };
    const remembered = { lastKeyframe, records: new Map([[1, record]]) };
    return { ...rest, state: { ...state, ...remembered } };
  });
  const retained = held([], { frames: 9, bytes: 2 * 296 });
  for (const frame of frames) retained.push(frame);
  expect(retained.from(0).map(({ frame }) => frame.index)).toEqual([2, 3]);
});

test('the frame before the first correctable one can be gone back to', () => {
  const retained = held([0, 1, 2, 3, 4, 5]);
  expect(retained.before(3).frame?.index).toBe(2);
  expect(retained.before(3).state.sourceKeyframe).toBe(2);
  expect(held([0, 1]).before(0)).toEqual({ frame: null, state: initialState });
});

test('a target is resolved by index, and by the largest time that is not after it', () => {
  const retained = held([0, 1, 2]);
  expect(retained.resolve({ kind: 'frame', frameIndex: 0 })).toBe(0);
  expect(retained.resolve({ kind: 'timestamp', timestampUs: 1999 })).toBe(1);
  expect(retained.resolve({ kind: 'timestamp', timestampUs: 9e9 })).toBe(2);
});

test.each([
  [[0, 1, 2, 3, 4, 5], 2, 'frame-not-held', 'frames 3..5 are held, got frame 2'],
  [[0, 4, 6, 9], 5, 'frame-dropped', 'frame 5 was dropped; the nearest held frame is 4'],
  [[0, 4, 6, 9], 8, 'frame-dropped', 'frame 8 was dropped; the nearest held frame is 9'],
  [[], 0, 'frame-not-held', 'no frame is held, got frame 0'],
])('with frames %j held, frame %i is %s', (indexes, frameIndex, code, message) => {
  const outcome = (() => {
    try {
      return held(indexes).resolve({ kind: 'frame', frameIndex });
    } catch (reason) {
      return reason;
    }
  })();
  expect(outcome).toMatchObject({ code, message });
});

test('a time before all held frames is out of range', () => {
  const retained = held([0, 1, 2, 3, 4, 5]);
  expect(() => retained.resolve({ kind: 'timestamp', timestampUs: 2999 })).toThrow(
    'frames 3..5 are held, got the frame at 2999 µs',
  );
});

test('past is what the newest frame has reached; nothing is before the first', () => {
  const retained = held([0, 1]);
  expect(retained.isPast({ kind: 'frame', frameIndex: 1 })).toBe(true);
  expect(retained.isPast({ kind: 'frame', frameIndex: 2 })).toBe(false);
  expect(retained.isPast({ kind: 'timestamp', timestampUs: 1000 })).toBe(true);
  expect(retained.isPast({ kind: 'timestamp', timestampUs: 1001 })).toBe(false);
  expect(retained.isPast({ kind: 'next' })).toBe(false);
  expect(held([]).isPast({ kind: 'frame', frameIndex: 0 })).toBe(false);
});

test('an update replaces what is known and keeps the frame; closing twice is closing once', () => {
  const retained = held([0, 1]);
  const [first] = retained.from(0);
  if (!first) throw new Error('nothing held');
  retained.update({ ...first, revision: 3 });
  expect(retained.from(0).map(({ revision }) => revision)).toEqual([3, 0]);
  retained.close();
  retained.close();
  expect(liveFrames()).toBe(0);
});
