import { expect, test } from 'vitest';
import { LiveTimes } from '../../../../clients/web/worker/live-times.ts';

/** The camera's clock is 5 s ahead of the page's. */
const aheadUs = 5_000_000;

test('parts of a frame’s time sum up, from capture on the camera’s clock', () => {
  const times = new LiveTimes();
  // Delivered after 2 ms, at once, and after 1 ms: the second one tells the offset.
  for (const [capturedMs, cameMs] of [
    [0, 2],
    [33, 33],
    [66, 67],
  ] as const) {
    times.captured(aheadUs + capturedMs * 1000, cameMs);
  }
  times.sent(aheadUs + 66_000, 71);
  const answer = { cameAtMs: 90, drawnAtMs: 92, serverMs: 12 };
  expect(times.answered(aheadUs + 66_000, answer)).toEqual({
    encodeMs: 5,
    wayMs: 7,
    serverMs: 12,
    drawMs: 2,
    totalMs: 26,
  });
  expect(times.statistics(100)).toEqual({
    p50Ms: 26,
    p95Ms: 26,
    parts: { encodeMs: 5, wayMs: 7, serverMs: 12, drawMs: 2 },
    framesPerSecond: 0,
  });
});

test('of frames that were never sent, or were forgotten, nothing is told', () => {
  const times = new LiveTimes();
  times.captured(0, 0);
  const answer = { cameAtMs: 10, drawnAtMs: 11, serverMs: 3 };
  expect(times.answered(0, answer)).toBeNull();
  for (let frame = 0; frame <= 120; frame++) times.sent(frame * 33_000, frame * 33);
  expect(times.answered(0, answer)).toBeNull();
  expect(times.answered(33_000, answer)).not.toBeNull();
  // Once only.
  expect(times.answered(33_000, answer)).toBeNull();
});
