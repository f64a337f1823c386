import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../../src/package-root.ts';

/** Starts a process with one of its own, says which, and waits to be killed. */
const parent = `
const { spawn } = await import('node:child_process');
const { guardGroup } = await import(process.argv[1]);
const child = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
guardGroup(child);
console.log(child.pid);
setInterval(() => {}, 1000);
`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('what a process left behind ends when it is killed', async () => {
  const file = join(packageRoot(), 'dist/bench/support/kserve/guard-group.js');
  const words = ['--input-type=module', '-e', parent, pathToFileURL(file).href];
  const killed = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(killed.stdout, 'data')) as [Buffer];
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
});
