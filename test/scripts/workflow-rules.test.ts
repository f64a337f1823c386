import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, '.github/workflows');
const script = new URL('../../scripts/workflow-rules.mjs', import.meta.url);
const { workflowProblems } = (await import(script.href)) as {
  workflowProblems: (text: string) => string[];
};
const check = readFileSync(join(folder, 'check.yml'), 'utf8');

describe('the workflows', () => {
  test.each(readdirSync(folder))('%s keeps to the rules', (file) => {
    expect(workflowProblems(readFileSync(join(folder, file), 'utf8'))).toEqual([]);
  });

  test('run what a checkout runs', () => {
    const called = /run: (\.ci\/\S+)/.exec(check)?.[1] ?? 'nothing of .ci';
    expect(existsSync(join(root, called))).toBe(true);
  });
});

describe('the rules are broken', () => {
  test('by an action that is named by its tag', () => {
    const loose = check.replace(/checkout@\S+ # \S+/, 'checkout@v5');
    expect(workflowProblems(loose)).toEqual([
      'expected an action by its commit and release, got - uses: actions/checkout@v5',
    ]);
  });

  test('by a token that may write, for all jobs or for one', () => {
    const all = check.replace('contents: read', 'contents: write');
    expect(workflowProblems(all)).toEqual([
      'expected a token that reads contents only, got contents: write',
      'expected "permissions: contents: read" for the whole workflow',
    ]);
    const one = check.replace('    steps:', '    permissions:\n      packages: write\n    steps:');
    expect(workflowProblems(one)).toEqual([
      'expected a token that reads contents only, got packages: write',
    ]);
  });

  test('by the rights that come without asking', () => {
    const unsaid = check.replace('permissions:\n  contents: read\n', '');
    expect(workflowProblems(unsaid)).toEqual([
      'expected "permissions: contents: read" for the whole workflow',
    ]);
  });

  test('by secrets beside a pull request of a stranger', () => {
    const open = check.replace('  pull_request:', '  pull_request_target:');
    expect(workflowProblems(open)).toEqual(['never say pull_request_target:']);
  });
});
