import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { programs } from '../../bench/run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The door as it is built, on the command line. */
function bench(...words: string[]) {
  return spawnSync(process.execPath, ['dist/bench/run.js', ...words], {
    cwd: root,
    encoding: 'utf8',
  });
}

test('the table holds every program, by its name and in order', () => {
  const files = readdirSync(new URL('../../bench/programs', import.meta.url));
  expect(Object.keys(programs)).toEqual(files.map((file) => basename(file, '.ts')).toSorted());
});

test.each(Object.entries(programs))('%s has one line that says what it measures', (_, what) => {
  expect(what).toMatch(/^[A-Z0-9][^\n]*\.$/);
});

test('without a name, or with one that is not there, it lists all of them and fails', () => {
  for (const words of [[], ['none', '--clips', '1']]) {
    const { status, stdout, stderr } = bench(...words);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    for (const [name, what] of Object.entries(programs)) {
      expect(stderr).toMatch(new RegExp(`^ {2}${name} +`, 'm'));
      expect(stderr).toContain(what);
    }
    expect(stderr.includes('no program "none"')).toBe(words.length > 0);
  }
});

test('a name that every object has is no program', () => {
  expect(bench('constructor').stderr).toContain('no program "constructor"');
});

test('a program gets its own options, and nothing of the door', () => {
  const { status, stderr } = bench('cameras', '--no-such-option');
  expect(status).not.toBe(0);
  expect(stderr).toContain('--no-such-option');
  expect(stderr).not.toContain('no program');
});

test('every program that the documents run is there', () => {
  const documents = [
    'README.md',
    ...readdirSync(`${root}/docs`, { encoding: 'utf8', recursive: true }).map(
      (name) => `docs/${name}`,
    ),
  ];
  const run = documents
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => [
      ...readFileSync(`${root}/${name}`, 'utf8').matchAll(/npm run bench ([a-z][\w-]*)/g),
    ])
    .map((match) => match[1]!);
  expect(run.length).toBeGreaterThan(0);
  expect(run.filter((name) => !Object.hasOwn(programs, name))).toEqual([]);
});
