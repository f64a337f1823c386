import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLabelFile } from '../../../src/cli/output/label-file.ts';
import { answeredFrame, answeredHeader } from '../../fixtures/answered-frame.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-labels-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

async function writtenAt(path: string): Promise<void> {
  const file = createLabelFile(path, 'coco');
  const output = file.output((index) => `${index}.jpg`);
  await output.open(answeredHeader);
  await output.write(answeredFrame(0, [1]));
  await output.close();
  await file.close();
}

test('a label file gets its name when it is complete', async () => {
  const path = join(folder, 'labels.json');
  await writtenAt(path);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ images: [{ id: 1 }] });
  expect(existsSync(`${path}.partial`)).toBe(false);
});

test('a full disk leaves nothing of it', async () => {
  const path = join(folder, 'labels.json');
  symlinkSync('/dev/full', `${path}.partial`);
  await expect(writtenAt(path)).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(existsSync(path)).toBe(false);
  expect(() => lstatSync(`${path}.partial`)).toThrow('ENOENT');
});
