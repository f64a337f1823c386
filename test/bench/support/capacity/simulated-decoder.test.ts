import { expect, test } from 'vitest';
import { Replica } from '../../../../bench/support/capacity/replica.ts';
import {
  type DecodedFrame,
  SimulatedDecoder,
} from '../../../../bench/support/capacity/simulated-decoder.ts';
import { Timeline } from '../../../../bench/support/capacity/timeline.ts';
import { roundCosts } from '../../../fixtures/stream-costs.ts';

/** A decoder that takes so long for a frame, and a camera of 25 frames a second. */
function decode(decodeMs: number, frames: number): DecodedFrame[] {
  const timeline = new Timeline();
  const replica = new Replica(timeline, {
    cores: 2,
    modelCores: 1,
    mainMsPerSecond: 0,
    pool: null,
  });
  const costs = { ...roundCosts, decodeMs, framesPerGroup: 25, mainMs: 0 };
  const decoded: DecodedFrame[] = [];
  const parts = { timeline, costs, vary: () => 1 };
  const decoder = new SimulatedDecoder(parts, replica, (frame) => decoded.push(frame));
  for (let index = 0; index < frames; index++) {
    timeline.after(index * 40, () => decoder.take({ index, capturedAtMs: index * 40 }));
  }
  timeline.runUntil(frames * 40 + 10_000);
  return decoded;
}

test('a decoder that keeps pace decodes everything at once', () => {
  const decoded = decode(10, 100);
  expect(decoded.map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  for (const { capturedAtMs, decodedAtMs } of decoded) {
    expect(decodedAtMs - capturedAtMs).toBeCloseTo(10);
  }
});

test('one that does not skips to where decoding can begin, and what comes out does not grow old', () => {
  const decoded = decode(60, 500);
  expect(decoded.length).toBeLessThan(400);
  const jumps = decoded.flatMap(({ index }, i) =>
    i > 0 && index > decoded[i - 1]!.index + 1 ? [index] : [],
  );
  expect(jumps.length).toBeGreaterThan(5);
  for (const index of jumps) expect(index % 25).toBe(0);
  const ages = decoded.map(({ capturedAtMs, decodedAtMs }) => decodedAtMs - capturedAtMs);
  // A group of pictures, the wait of 250 ms, and what is in the pipe.
  expect(Math.max(...ages)).toBeLessThan(1000 + 250 + 5 * 60);
});
