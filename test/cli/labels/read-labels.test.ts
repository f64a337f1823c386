import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPromptFile } from '../../../src/cli/labels/read-labels.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-labels-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const labelme = { shapes: [], imagePath: 'a.jpg', imageHeight: 4, imageWidth: 8 };

test('a file is told by what it contains', async () => {
  const coco = { images: [], annotations: [], categories: [] };
  const ytvis = { videos: [], annotations: [], categories: [] };
  for (const content of [coco, ytvis, labelme]) {
    expect(await readPromptFile(write('x.json', content))).toMatchObject({ kind: 'labels' });
  }
  const ours = { version: 1, prompts: [] };
  expect(await readPromptFile(write('x.json', ours))).toEqual({ kind: 'json', content: ours });
});

test('a folder is all labelme files in it, in the order of their numbers', async () => {
  for (const number of [10, 9]) write(`${number}.json`, { ...labelme, imagePath: `${number}.jpg` });
  write('._9.json', 'Mac OS X');
  write('notes.txt', 'no labels');
  expect(await readPromptFile(folder)).toMatchObject({
    labels: { file: folder, pictures: [{ fileName: '9.jpg' }, { fileName: '10.jpg' }] },
  });
  mkdirSync(join(folder, 'none'));
  await expect(readPromptFile(join(folder, 'none'))).rejects.toThrow('labelme');
});

test('what is wrong is named with its place', async () => {
  const file = write('coco.json', { images: [{ id: 1 }], annotations: [], categories: [] });
  await expect(readPromptFile(file)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(`${file} at images.0.file_name:`) as string,
  });
  await expect(readPromptFile(join(folder, 'not-there.json'))).rejects.toMatchObject({
    code: 'unreadable-file',
  });
});
