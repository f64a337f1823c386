import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';

const script = new URL('../../scripts/doc-links.mjs', import.meta.url);

type Check = (
  root: string,
  options?: { fewest?: number },
) => { documents: number; links: number; problems: string[] };
const { checkDocLinks } = (await import(script.href)) as { checkDocLinks: Check };

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Checks a repository of these files. */
function check(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'maskstream-links-'));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return checkDocLinks(root, { fewest: 0 });
}

test('every link of this repository leads somewhere', () => {
  const run = spawnSync(process.execPath, [fileURLToPath(script)], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.stdout).toMatch(/^\d+ documents, [1-9]\d+ relative links, 0 problems\n$/);
  expect(run.status).toBe(0);
});

describe('a link', () => {
  const files = {
    'docs/a.md': '# One `word`, and (two): three\n\n## Twice\n\n## Twice\n\n## A [link](b.md)\n',
    'docs/b.md': '',
    'docs/shot one.jpg': '',
  };

  test.each([
    ['to a file', '[a](docs/a.md)'],
    ['to a folder', '[docs](docs/)'],
    ['to a heading', '[a](docs/a.md#one-word-and-two-three)'],
    ['to the second heading of that name', '[a](docs/a.md#twice-1)'],
    ['to a heading with a link in it', '[a](docs/a.md#a-link)'],
    ['to a heading of its own', '# Here\n\n[up](#here)'],
    ['to a picture with a title', '![shot](docs/shot%20one.jpg "A shot")'],
    ['in an attribute', '<img src="docs/shot%20one.jpg">'],
    ['by reference', '[a][1]\n\n[1]: docs/a.md'],
    ['with code as its text', '[`a`](docs/a.md)'],
  ])('%s is followed', (_, text) => {
    expect(check({ ...files, 'README.md': text })).toMatchObject({ links: 1 + 1, problems: [] });
  });

  test.each([
    ['to a file that is gone', '[a](docs/old.md)', 'docs/old.md: no such file'],
    ['to a heading that is gone', '[a](docs/a.md#four)', 'docs/a.md#four: no such heading'],
    ['to one heading too many', '[a](docs/a.md#twice-2)', 'docs/a.md#twice-2: no such heading'],
    ['from the root of the machine', '[a](/docs/a.md)', '/docs/a.md: expected a relative link'],
    ['out of the repository', '[a](../a.md)', '../a.md: leads out of the repository'],
    ['by a reference to nothing', '[a][1]\n\n[1]: old.md', 'old.md: no such file'],
    ['in an attribute to nothing', '<a href="old.md">a</a>', 'old.md: no such file'],
  ])('%s is named', (_, text, problem) => {
    expect(check({ ...files, 'README.md': text }).problems).toEqual([`README.md: ${problem}`]);
  });

  test.each([
    ['to the web', '[a](https://example.org/none.md)'],
    ['to an address', '[a](mailto:a@example.org)'],
    ['in code', 'Write `[a](none.md)`.\n\n```md\n[a](none.md)\n```\n'],
  ])('%s is not followed', (_, text) => {
    expect(check({ 'README.md': text })).toEqual({ documents: 1, links: 0, problems: [] });
  });
});

describe('a path in code', () => {
  test('must exist in a guide, from the root or beside it', () => {
    const guide = '`src/a.ts` `src/gone.ts` `docs/b.md` `src/NAME.ts` `notes/c.md`';
    const { problems } = check({ 'README.md': guide, 'src/a.ts': '', 'docs/b.md': '' });
    expect(problems).toEqual(['README.md: `src/gone.ts`: no such file']);
  });

  test('must have the function that is named with it', () => {
    const guide = '`src/a.ts:run` `src/a.ts:Store.put` `src/a.ts:Store.drop` `src/b.ts:run`';
    const source = 'export function run() {}\nclass Store {\n  put() {}\n}\n';
    expect(check({ 'README.md': guide, 'src/a.ts': source }).problems).toEqual([
      'README.md: `src/a.ts:Store.drop`: no such name in the file',
      'README.md: `src/b.ts`: no such file',
    ]);
  });

  test.each(['CHANGELOG.md', 'docs/decisions.md', 'docs/experiments/flow.md', 'training/RUNS.md'])(
    'may be of its time in %s',
    (name) => {
      expect(check({ [name]: '`src/gone.ts`' }).problems).toEqual([]);
      expect(check({ [name]: '[gone](gone.md)' }).problems).toHaveLength(1);
    },
  );
});

test('the check does not pass where nothing was read', () => {
  const root = mkdtempSync(join(tmpdir(), 'maskstream-links-'));
  folders.push(root);
  expect(checkDocLinks(root)).toEqual({
    documents: 0,
    links: 0,
    problems: ['expected at least 20 relative links, read 0'],
  });
});
