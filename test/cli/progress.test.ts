import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createProgress } from '../../src/cli/progress.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A terminal of 70 columns, or a pipe, and what was written to it. */
function openProgress(total: number | null, isTTY = true) {
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 70 });
  const stdin = new PassThrough();
  const io = { stdin, stdout: new PassThrough(), stderr, signal: new AbortController().signal };
  const progress = createProgress(io, 'goat', total);
  return { progress, text: () => String(stderr.read() ?? '') };
}

test('in a pipe a plain line is written every ten seconds, and short work says nothing', () => {
  const { progress, text } = openProgress(10, false);
  progress.update(1);
  vi.advanceTimersByTime(9999);
  progress.update(2);
  expect(text()).toBe('');
  vi.advanceTimersByTime(1);
  progress.update(5);
  progress.update(10);
  progress.finish();
  expect(text()).toBe('maskstream: goat: 5 of 10 frames, 0.5 frames/s, 10 s left\n');
});

test.each([
  [10, 100, '90 s left'],
  [10, 2000, '34 min left'],
  [10, 100_000, '27.8 h left'],
])('%i frames of %i after ten seconds: %s', (done, total, left) => {
  const { progress, text } = openProgress(total);
  vi.advanceTimersByTime(10_000);
  progress.update(done);
  expect(text()).toContain(left);
});

test('the line is rewritten with how far it is and how fast', () => {
  const { progress, text } = openProgress(10);
  vi.advanceTimersByTime(2000);
  progress.update(5, 'x');
  expect(text()).toBe('\r\u001B[2Kgoat [############------------] 5/10  2.5/s  2 s left  x');
});

test('updates within a tenth of a second are left out, but for the last one', () => {
  const { progress, text } = openProgress(3);
  progress.update(1);
  vi.advanceTimersByTime(99);
  progress.update(2);
  expect(text().match(/\r/g)).toHaveLength(1);
  progress.update(3);
  expect(text()).toContain('[########################] 3/3');
});

test('without a total it counts, and more than the total does not break the bar', () => {
  const counting = openProgress(null);
  counting.progress.update(7);
  expect(counting.text()).toContain('goat 7 frames');
  const over = openProgress(2);
  over.progress.update(4);
  expect(over.text()).toContain('[########################] 4/2');
});

test('a line never wraps, and is cleared at the end', () => {
  const { progress, text } = openProgress(10);
  progress.update(1, 'a long detail '.repeat(9));
  expect(text().slice('\r\u001B[2K'.length)).toHaveLength(69);
  progress.finish();
  expect(text()).toBe('\r\u001B[2K');
});
