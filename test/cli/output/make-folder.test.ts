import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder } from '../../../src/cli/output/make-folder.ts';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'maskstream-folder-'));
});

afterEach(() => rmSync(root, { recursive: true }));

test('a folder and those above it are made, and taken away again while they are empty', () => {
  const path = join(root, 'a/b');
  const removeEmpty = makeFolder(path);
  expect(existsSync(path)).toBe(true);
  removeEmpty();
  expect(existsSync(join(root, 'a'))).toBe(false);
});

test.each(['file', 'file/below'])('a file in the way (%s) is said before anything runs', (name) => {
  writeFileSync(join(root, 'file'), 'mine');
  const path = join(root, name);
  expect(() => makeFolder(path)).toThrow(
    expect.objectContaining({
      code: 'unreadable-file',
      message: `${path}: expected a folder that can be written`,
    }),
  );
});

// This one refuses everyone, root too.
test.skipIf(!existsSync('/proc/sys/kernel'))('so is a folder that nobody may write into', () => {
  expect(() => makeFolder('/proc/sys/kernel')).toThrow('expected a folder that can be written');
});
