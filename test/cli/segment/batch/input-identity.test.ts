import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identify, isSameInput } from '../../../../src/cli/segment/batch/input-identity.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-identity-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const imageAt = (path: string, name = 'p') =>
  ({ kind: 'image', name, source: { kind: 'file', path } }) as const;

test('an input is the same until its file, its place or its name changes', async () => {
  const path = join(folder, 'p.jpg');
  writeFileSync(path, 'four');
  utimesSync(path, 100, 100);
  const first = (await identify(imageAt(path)))!;
  expect(first).toEqual({ name: 'p', path, bytes: 4, modifiedMs: 100_000 });
  expect(isSameInput(first, (await identify(imageAt(path)))!)).toBe(true);
  expect(isSameInput(first, (await identify(imageAt(path, 'p-2')))!)).toBe(false);
  utimesSync(path, 100, 101);
  expect(isSameInput(first, (await identify(imageAt(path)))!)).toBe(false);
  writeFileSync(path, 'longer');
  utimesSync(path, 100, 100);
  expect(isSameInput(first, (await identify(imageAt(path)))!)).toBe(false);
});

test('a sequence is all of its pictures', async () => {
  const files = ['a.jpg', 'b.jpg'].map((name) => join(folder, name));
  for (const [index, file] of files.entries()) {
    writeFileSync(file, 'xx');
    utimesSync(file, 5, 5 + index);
  }
  expect(await identify({ kind: 'sequence', name: 's', files })).toEqual({
    name: 's',
    path: folder,
    bytes: 4,
    modifiedMs: 6000,
  });
});

test('a pipe cannot be told again', async () => {
  const source = { kind: 'pipe', chunks: Readable.from([]) } as const;
  expect(await identify({ kind: 'image', name: 'stdin', source })).toBeNull();
});
