import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { childrenOf, processCpuMs, threadsOf } from '../src/process-tree.ts';

test.runIf(process.platform === 'linux')(
  'a child of the shell is a child of its own, and its time counts in all above it',
  async () => {
    const busy =
      'const end = Date.now() + 400; while (Date.now() < end); console.log(process.pid); process.stdin.resume();';
    const shell = spawn('sh', ['-c', `"${process.execPath}" -e '${busy}'; exit`], {
      stdio: 'pipe',
    });
    const ended = once(shell, 'exit');
    const [text] = (await once(shell.stdout, 'data')) as [Buffer];
    const worker = Number(text.toString());
    expect(childrenOf(process.pid)).toContain(shell.pid);
    expect(childrenOf(shell.pid!)).toEqual([worker]);
    expect(threadsOf(worker)).toContain(worker);
    expect(processCpuMs(worker)).toBeGreaterThan(100);
    expect(processCpuMs(shell.pid!)).toBeGreaterThanOrEqual(processCpuMs(worker)!);
    const before = processCpuMs(process.pid)!;
    shell.stdin.end();
    await ended;
    // Ended and waited for, it still counts.
    expect(processCpuMs(process.pid)).toBeGreaterThanOrEqual(before);
    expect(processCpuMs(shell.pid!)).toBeNull();
    expect(childrenOf(shell.pid!)).toEqual([]);
  },
);
