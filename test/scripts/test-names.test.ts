import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';

const script = new URL('../../scripts/test-names.mjs', import.meta.url);

type Check = (root: string, options?: { fewest?: number }) => { tests: number; problems: string[] };
const { checkTestNames } = (await import(script.href)) as { checkTestNames: Check };

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** What the check says of a repository of these files, which are empty unless their text is given. */
function problemsOf(...names: (string | readonly [name: string, text: string])[]): string[] {
  const root = mkdtempSync(join(tmpdir(), 'maskstream-names-'));
  folders.push(root);
  for (const file of names) {
    const [name, text] = typeof file === 'string' ? [file, ''] : file;
    mkdirSync(join(root, dirname(name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return checkTestNames(root, { fewest: 0 }).problems;
}

test('every test of this repository has a source of its name', () => {
  const run = spawnSync(process.execPath, [fileURLToPath(script)], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.stdout).toMatch(/^[1-9]\d\d+ test files, 0 problems\n$/);
  expect(run.status).toBe(0);
});

describe('a test', () => {
  test.each([
    ['has the path of its source', 'src/video/decoder.ts', 'test/video/decoder.test.ts'],
    ['may name an aspect', 'src/video/decoder.ts', 'test/video/decoder.real-gaps.test.ts'],
    ['may test a file at the root of src', 'src/config.ts', 'test/config.test.ts'],
    ['of a script has its path too', 'scripts/check.mjs', 'test/scripts/check.test.ts'],
    [
      'of the client has its path too',
      'clients/typescript/a.ts',
      'test/clients/typescript/a.test.ts',
    ],
    ['of a program has its path too', 'bench/run.ts', 'test/bench/run.test.ts'],
    ['end to end is free', 'src/main.ts', 'test/e2e/anything.test.ts'],
  ])('%s', (_, source, name) => {
    expect(problemsOf(source, name, 'test/fixtures/double.ts', 'test/tsconfig.json')).toEqual([]);
  });

  test.each([
    [
      'without a source',
      'test/video/decoding.test.ts',
      'expected src/video/decoding.ts, got no such file',
    ],
    ['of a source elsewhere', 'test/decoder.test.ts', 'expected src/decoder.ts, got no such file'],
    [
      'that joins its aspect by a hyphen',
      'test/video/decoder-gaps.test.ts',
      'expected src/video/decoder-gaps.ts, got no such file',
    ],
    [
      'of a script that is gone',
      'test/scripts/old.test.ts',
      'expected scripts/old.mjs, got no such file',
    ],
    [
      'among the doubles',
      'test/fixtures/decoder.test.ts',
      'expected doubles and data in test/fixtures, got a test',
    ],
  ])('%s is named', (_, name, problem) => {
    expect(problemsOf('src/video/decoder.ts', name)).toEqual([`${name}: ${problem}`]);
  });
});

test('a double beside the tests is named', () => {
  expect(problemsOf('src/video/decoder.ts', 'test/video/clips.ts')).toEqual([
    'test/video/clips.ts: expected a test, or a place in test/fixtures',
  ]);
});

test('two doubles of one name are named', () => {
  const first = ['test/fixtures/a.ts', 'export const clip = 1;\nconst own = 1;\n'] as const;
  const second = [
    'test/fixtures/b.ts',
    'export async function clip() {}\nconst own = 2;\n',
  ] as const;
  expect(problemsOf(first, second)).toEqual([
    'test/fixtures/b.ts: exports clip, as test/fixtures/a.ts does',
  ]);
});

test('the check does not pass where nothing was read', () => {
  const root = mkdtempSync(join(tmpdir(), 'maskstream-names-'));
  folders.push(root);
  expect(checkTestNames(root)).toEqual({
    tests: 0,
    problems: ['expected at least 100 test files, read 0'],
  });
});
