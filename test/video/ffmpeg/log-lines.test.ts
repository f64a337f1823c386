import { expect, test } from 'vitest';
import { splitLines } from '../../../src/video/ffmpeg/log-lines.ts';

test('lines are put together from pieces, and endless ones are cut off', () => {
  const lines: string[] = [];
  const push = splitLines((line) => lines.push(line));
  for (const piece of ['one\ntw', 'o', '\n\nthree', ' and more\n']) push(piece);
  expect(lines).toEqual(['one', 'two', '', 'three and more']);
  for (let i = 0; i < 1000; i++) push('x'.repeat(1000));
  push('\nlast\n');
  expect(lines[4]).toHaveLength(4096);
  expect(lines[5]).toBe('last');
});
