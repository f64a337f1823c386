import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = new URL('../../scripts/check-generated.mjs', import.meta.url);

test('generating again changes nothing', () => {
  const run = spawnSync(process.execPath, [fileURLToPath(script)], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.stdout).toMatch(/^[1-9]\d* generated files, 0 differences\n$/);
  expect(run.status).toBe(0);
});

test('a file that differs, is missing or is one too many is named', async () => {
  const { differences } = (await import(script.href)) as {
    differences: (expected: Map<string, string>, actual: Map<string, string>) => string[];
  };
  const expected = new Map([
    ['a.ts', '1'],
    ['b.ts', '2'],
  ]);
  const actual = new Map([
    ['a.ts', 'edited'],
    ['c.ts', '3'],
  ]);
  expect(differences(expected, actual)).toEqual([
    'a.ts: differs',
    'b.ts: missing',
    'c.ts: not generated from proto/',
  ]);
});
