import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBatchProgress } from '../../../../src/cli/segment/batch/batch-progress.ts';
import { encoders, makeClip } from '../../../fixtures/encoded-clips.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function terminal(isTTY: boolean) {
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  const stdout = new PassThrough();
  const io = { stdin: new PassThrough(), stdout, stderr, signal: new AbortController().signal };
  return { io, bar: () => String(stderr.read() ?? ''), lines: () => String(stdout.read() ?? '') };
}

async function twoInputs() {
  const path = await makeClip({ encode: encoders.h264, extension: 'mp4', frames: 8 });
  const source = { kind: 'file', path } as const;
  return [
    { kind: 'video', name: 'clip', source, container: 'mp4' },
    { kind: 'image', name: 'photo', source },
  ] as const;
}

test('one bar for all inputs: how many are done, frames, speed and time left', async () => {
  const inputs = await twoInputs();
  const { io, bar, lines } = terminal(true);
  const progress = await createBatchProgress(io, inputs);
  const [clip, photo] = inputs.map((input) => progress.begin(input));
  vi.advanceTimersByTime(1000);
  clip?.frame();
  vi.advanceTimersByTime(1000);
  clip?.frame();
  expect(bar()).toMatch(/0\/2 inputs \[#{5}-{19}\] 2\/9 {2}1\.0\/s {2}7 s left$/);
  photo?.frame();
  photo?.end('1 objects');
  expect(lines()).toBe('photo: 1 objects\n');
  expect(bar().endsWith('\r\u001B[2K')).toBe(true);
  vi.advanceTimersByTime(1000);
  clip?.frame();
  expect(bar()).toContain('1/2 inputs [');
  clip?.say('careful');
  expect(bar()).toBe('\r\u001B[2Kmaskstream: clip: careful\n');
});

test('elsewhere a plain line every ten seconds', async () => {
  const inputs = await twoInputs();
  const { io, bar } = terminal(false);
  const progress = await createBatchProgress(io, inputs);
  const clip = progress.begin(inputs[0]);
  for (let second = 0; second < 8; second++) {
    vi.advanceTimersByTime(2000);
    clip.frame();
  }
  expect(bar()).toBe('maskstream: 0/2 inputs: 5 of 9 frames, 0.5 frames/s, 8 s left\n');
});
