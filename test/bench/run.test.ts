import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { helpOf, programs } from '../../bench/run.ts';

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

test.each([
  [
    'cameras',
    ['--secnods', '3'],
    "bench cameras: Unknown option '--secnods': did you mean --seconds? (options: --cameras, --seconds, --warm-up, ",
  ],
  [
    'confinement',
    ['--nonsense'],
    "bench confinement: Unknown option '--nonsense' (options: --runs)\n",
  ],
  ['confinement', ['--runs'], "Option '--runs <value>' argument missing (options: --runs)\n"],
  ['confinement', ['--runs', 'many'], '--runs: expected a number, got "many"\n'],
  ['confinement', ['60'], "Unexpected argument '60'"],
  ['flow', ['--al'], "Unknown option '--al': did you mean --all? (options: --clips, "],
  ['tuning-plot', ['--nonsense'], "Unknown option '--nonsense' (options: none)\n"],
  ['tuning-plot', [], 'bench tuning-plot: expected EVAL.json and PLOT.svg\n'],
])('%s with %j says what is wrong in one line', (program, words, line) => {
  const { status, stdout, stderr } = bench(program, ...words);
  expect(stderr).toContain(line);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});

test.each(['--help', '-h'])('a program with %s says what it measures and its options', (word) => {
  const { status, stdout, stderr } = bench('cameras', '--seconds', '3', word);
  expect(stdout).toMatch(/^How many live cameras one server bears: .*\n {2}--out FILE {7}drops/s);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test.each(Object.keys(programs))('%s has help, as it is built', (program) => {
  const source = readFileSync(`${root}/dist/bench/programs/${program}.js`, 'utf8');
  expect(helpOf(source)).toContain(`npm run bench ${program}`);
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
