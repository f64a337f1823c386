import { expect, test } from 'vitest';
import { readExit } from '../../../src/video/ffmpeg/exit.ts';

const plain = {
  exitCode: 0,
  signal: null,
  by: 'others',
  firstLine: null,
  hasMonitor: false,
} as const;

test('a code is a code, and a signal a signal', () => {
  expect(readExit({ ...plain, exitCode: 69 })).toEqual({ kind: 'exited', exitCode: 69 });
  expect(readExit({ ...plain, exitCode: null, signal: 'SIGSEGV' })).toEqual({
    kind: 'killed',
    by: 'others',
    signal: 'SIGSEGV',
  });
});

test('a monitor speaks for the child that a signal ended, and only a monitor does', () => {
  const end = { ...plain, exitCode: 137, hasMonitor: true };
  expect(readExit(end)).toEqual({ kind: 'killed', by: 'others', signal: 'SIGKILL' });
  expect(readExit({ ...end, hasMonitor: false })).toEqual({ kind: 'exited', exitCode: 137 });
  // AVERROR_INVALIDDATA and EINVAL, as newer releases of ffmpeg end.
  for (const exitCode of [183, 234, 187, 255]) {
    expect(readExit({ ...end, exitCode })).toEqual({ kind: 'exited', exitCode });
  }
});

test('what could not start ffmpeg is told from ffmpeg', () => {
  const firstLine = 'bwrap: No permissions to create new namespace';
  expect(readExit({ ...plain, exitCode: 1, firstLine })).toEqual({
    kind: 'not-started',
    reason: firstLine,
  });
  expect(readExit({ ...plain, exitCode: 127 }).kind).toBe('not-started');
  const forged = '[matroska @ 0x1] [info] title: bwrap: no';
  expect(readExit({ ...plain, exitCode: 1, firstLine: forged }).kind).toBe('exited');
});
