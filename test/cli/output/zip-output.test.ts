import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFolderOutput } from '../../../src/cli/output/folder-output.ts';
import { createZipArchive } from '../../../src/cli/output/zip-output.ts';
import { answeredFrame, answeredHeader } from '../../fixtures/answered-frame.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-output-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('a ZIP', () => {
  test('holds the same files as a folder, for each input below its name', async () => {
    const frames = Array.from({ length: 40 }, (_, index) => answeredFrame(index, [1, 2]));
    const archive = createZipArchive(join(folder, 'a.zip'));
    for (const output of [createFolderOutput(folder), archive.output(''), archive.output('b')]) {
      await output.open(answeredHeader);
      for (const one of frames) await output.write(one);
      await output.close();
    }
    await archive.close();
    const entries = unzipSync(readFileSync(join(folder, 'a.zip')));
    expect(Object.keys(entries)).toHaveLength(82);
    for (const [name, bytes] of Object.entries(entries)) {
      const same = readFileSync(join(folder, name.replace(/^b\//, '')));
      expect(Buffer.from(bytes).equals(same)).toBe(true);
    }
    expect(readdirSync(folder).toSorted()).toEqual(['a.zip', 'frames.json', 'masks']);
  });

  test('of a failed run leaves no file behind', async () => {
    const archive = createZipArchive(join(folder, 'a.zip'));
    const output = archive.output('');
    await output.open(answeredHeader);
    await output.write(answeredFrame(0, [1]));
    await output.discard();
    await archive.discard();
    expect(readdirSync(folder)).toEqual([]);
  });
});
