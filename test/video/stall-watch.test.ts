import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SegmentationError } from '../../src/frame/errors.ts';
import { watchForStall } from '../../src/video/stall-watch.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A child without input that takes `cpuShare` of a processor, and completes what the test says. */
function watched(cpuShare: number) {
  const failures: SegmentationError[] = [];
  const pictures = {
    completed: 0,
    untaken: false,
    fail: (error: unknown) => void failures.push(error as SegmentationError),
  };
  const startedMs = Date.now();
  const watch = watchForStall({
    child: { pid: 1, stdin: new PassThrough() },
    pictures,
    timeoutMs: 8000,
    cpuTimeMs: () => (Date.now() - startedMs) * cpuShare,
  });
  return { pictures, failures, watch };
}

test('a child that keeps itself busy without a frame has stalled, its input empty or not', () => {
  const { failures, watch } = watched(1);
  vi.advanceTimersByTime(8000);
  expect(failures).toEqual([]);
  vi.advanceTimersByTime(2000);
  watch.close();
  expect(failures[0]?.code).toBe('decoder-stalled');
  expect(failures[0]?.message).toBe(
    'expected a frame within 8000 ms of processor time, got none after frame 0',
  );
});

test('each frame has that time, and a child that waits takes none', () => {
  const busy = watched(1);
  for (let frame = 1; frame < 20; frame++) {
    vi.advanceTimersByTime(4000);
    busy.pictures.completed = frame;
  }
  busy.watch.close();
  expect(busy.failures).toEqual([]);
  const waiting = watched(0.001);
  vi.advanceTimersByTime(600_000);
  waiting.watch.close();
  expect(waiting.failures).toEqual([]);
});
