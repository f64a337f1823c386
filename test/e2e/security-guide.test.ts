import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const guide = readFileSync(new URL('SECURITY.md', root), 'utf8');
const rows = guide.split('\n').filter((line) => /^\| (?!who or what|---)/.test(line));

test('each defence names the tests that hold it, and they are there', () => {
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    const cell = row.split('|').at(-2) ?? '';
    const files = [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '');
    expect([row, files.length > 0]).toEqual([row, true]);
    for (const path of files) {
      expect(path).toMatch(/^test\/.*\.test\.ts$/);
      expect([path, existsSync(fileURLToPath(new URL(path, root)))]).toEqual([path, true]);
    }
  }
});

test('what is not defended is said as well', () => {
  const [, open = ''] = guide.split('## What is known and not defended');
  expect(open.split('\n').filter((line) => line.startsWith('- ')).length).toBeGreaterThan(4);
});
