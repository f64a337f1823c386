import { afterEach, expect, test } from 'vitest';
import { FramePool, liveFrames, type Frame } from '../../../src/frame/frame.ts';
import { bridgeFrames } from '../../../src/pipeline/intake/bridge-frames.ts';

const size = { width: 8, height: 8 };
const pool = new FramePool();

afterEach(() => {
  if (liveFrames() !== 0) throw new Error(`${liveFrames()} frames were not closed`);
});

function frame(index: number): Frame {
  const at = { index, timestampUs: index * 1000, timestampSynthetic: false, decodedAtMs: 0 };
  return pool.create({ ...at, analysis: size, display: size });
}

/** Drops the frames of a gap one after the other, as they come; the indices that are left. */
function fillGap(from: number, to: number): number[] {
  let kept: readonly Frame[] = [];
  for (let index = from + 1; index < to; index++) {
    kept = bridgeFrames([...kept, frame(index)], { from, to: index + 1 });
  }
  expect(liveFrames()).toBe(kept.length);
  for (const one of kept) one.close();
  return kept.map((one) => one.index);
}

test('over a few frames flow finds its way: none is kept', () => {
  expect(fillGap(10, 13)).toEqual([]);
});

test('in a longer gap every third is kept', () => {
  expect(fillGap(10, 22)).toEqual([13, 16, 19]);
});

test('however long it lasts, at most twelve are, from all over it', () => {
  const kept = fillGap(0, 400);
  expect(kept.length).toBeLessThanOrEqual(12);
  const ends = [0, ...kept, 400];
  const steps = ends.slice(1).map((index, i) => index - ends[i]!);
  expect(Math.max(...steps)).toBeLessThanOrEqual(120);
});
