import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, '.github/workflows');
const files = readdirSync(folder);

test('there is a workflow, and it runs what a checkout runs', () => {
  const text = readFileSync(join(folder, 'check.yml'), 'utf8');
  const script = /run: (\.ci\/\S+)/.exec(text)?.[1] ?? 'nothing of .ci';
  expect(existsSync(join(root, script))).toBe(true);
});

describe.each(files)('%s', (file) => {
  const lines = readFileSync(join(folder, file), 'utf8').split('\n');

  test('names every action by its commit and its release', () => {
    const uses = lines.filter((line) => /\buses:/.test(line));
    expect(uses.length).toBeGreaterThan(0);
    const loose = uses.filter(
      (line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line),
    );
    expect(loose).toEqual([]);
  });

  test('has a token that reads only, and runs no stranger’s code with more', () => {
    expect(lines).toContain('permissions:');
    const rights = lines.filter((line) => /^\s+[\w-]+: (read|write|none)\b/.test(line));
    expect(rights).toEqual(['  contents: read']);
    expect(lines.filter((line) => /pull_request_target|write-all|secrets\./.test(line))).toEqual(
      [],
    );
  });
});
