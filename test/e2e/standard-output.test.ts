import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../bin/maskstream', import.meta.url));

test('a standard output on a full disk is an error of one line and exit code 1', () => {
  const full = openSync('/dev/full', 'w');
  try {
    const run = spawnSync(program, ['--help'], { stdio: ['ignore', full, 'pipe'] });
    expect(run.stderr.toString()).toBe(
      'maskstream: standard output: ENOSPC: no space left on device, write\n',
    );
    expect(run.status).toBe(1);
  } finally {
    closeSync(full);
  }
});
