import { expect, test } from 'vitest';
import { memoryParts, readMemoryParts } from '../../../bench/support/memory-parts.ts';

const mapping = (range: string, flags: string, name: string, kilobytes: number) =>
  `${range} ${flags} 00000000 00:00 0 ${' '.repeat(10)}${name}\nSize: 9999 kB\nRss: ${kilobytes} kB\n`;

test('memory is told apart by what it is mapped for', () => {
  const smaps = [
    mapping('00400000-00500000', 'r-xp', '/usr/bin/node', 1024),
    mapping('02000000-04000000', 'rw-p', '[heap]', 2048),
    // An arena: its used beginning, and the rest that is only reserved.
    mapping('7f0000000000-7f0001000000', 'rw-p', '', 4096),
    mapping('7f0001000000-7f0004000000', '---p', '', 0),
    mapping('7f1000200000-7f1000300000', 'rwxp', '', 512),
    mapping('7f2000100000-7f2000200000', 'rw-p', '', 256),
    mapping('7f3000000000-7f3010000000', 'rw-p', '', 256),
    mapping('7ffc00000000-7ffc00100000', 'rw-p', '[stack]', 512),
  ].join('');
  expect(memoryParts(smaps)).toEqual({ arenas: 6, code: 0.5, files: 1, other: 1 });
});

test.runIf(process.platform === 'linux')('the parts of this process make its memory', () => {
  const { arenas, code, files, other } = readMemoryParts(process.pid);
  for (const part of [arenas, code, files, other]) expect(part).toBeGreaterThan(0);
  const rssMb = process.memoryUsage.rss() / 1024 / 1024;
  expect(Math.abs(arenas + code + files + other - rssMb)).toBeLessThan(0.2 * rssMb);
});
