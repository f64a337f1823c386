import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startServerProcess } from '../../src/evaluation/server-process.ts';

test.runIf(process.platform === 'linux')(
  'a server that is started as a command has the allocator and the young heap that docs/operations.md counts on',
  async () => {
    await using server = await startServerProcess([]);
    const environment = readFileSync(`/proc/${server.pid}/environ`, 'latin1').split('\0');
    expect(environment).toContain('MALLOC_ARENA_MAX=2');
    expect(environment).toContain('MALLOC_MMAP_THRESHOLD_=131072');
    expect(environment).toContain('MALLOC_TRIM_THRESHOLD_=131072');
    const words = readFileSync(`/proc/${server.pid}/cmdline`, 'latin1').split('\0');
    expect(words[1]).toMatch(/^--max-semi-space-size=\d$/);
  },
);
