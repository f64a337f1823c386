import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchFiles } from '../../src/cli/watch-files.ts';

let folder: string;
let watch: Disposable;
let changes: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-watch-'));
  changes = 0;
});

afterEach(() => {
  watch[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

test('a file that is written, replaced, or linked to another is seen, one that is gone is waited for', async () => {
  const file = join(folder, 'secret');
  const other = join(folder, 'other');
  writeFileSync(file, 'one');
  let looked: () => void;
  const first = new Promise<void>((resolve) => (looked = resolve));
  watch = watchFiles(
    [file],
    () => {
      changes++;
      looked();
    },
    10,
  );
  // Until the first look nothing is known to differ from.
  const writing = setInterval(() => writeFileSync(file, `one ${performance.now()}`), 30);
  await first;
  clearInterval(writing);
  await expect.poll(() => changes).toBeGreaterThanOrEqual(1);

  let before = changes;
  writeFileSync(other, 'another');
  renameSync(other, file);
  await expect.poll(() => changes).toBeGreaterThan(before);

  before = changes;
  rmSync(file);
  writeFileSync(other, 'behind a link');
  symlinkSync(other, file);
  await expect.poll(() => changes).toBeGreaterThan(before);
});
