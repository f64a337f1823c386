import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findInputs } from '../../../src/cli/segment/inputs.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-inputs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const contents = {
  jpeg: Buffer.from('ffd8ffe000104a46', 'hex'),
  ivf: Buffer.from('DKIF\0\0\x20\0VP80'),
  text: Buffer.from('not a picture at all'),
} as const;

function write(name: string, kind: keyof typeof contents): string {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, contents[kind]);
  return file;
}

const options = {
  asSequence: false,
  frameRate: null,
  keepGoing: false,
  io: {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: new AbortController().signal,
  },
};
const find = (...paths: string[]) => findInputs(paths, options);
const going = (...paths: string[]) => findInputs(paths, { ...options, keepGoing: true });

describe('a file', () => {
  test('is told by its first bytes, whatever its name', async () => {
    const video = write('holiday.jpg', 'ivf');
    const image = write('holiday.mp4', 'jpeg');
    expect(await find(video, image)).toEqual([
      { kind: 'video', name: 'holiday', source: { kind: 'file', path: video }, container: 'ivf' },
      { kind: 'image', name: 'holiday-2', source: { kind: 'file', path: image } },
    ]);
  });

  test('that is neither a video nor an image is named with its bytes', async () => {
    const file = write('notes.mp4', 'text');
    await expect(find(file)).rejects.toMatchObject({
      code: 'unreadable-file',
      message: expect.stringContaining('got bytes "6e6f742061') as string,
    });
  });

  test('that is empty, or not there, is unreadable', async () => {
    writeFileSync(join(folder, 'empty.mp4'), '');
    for (const name of ['empty.mp4', 'none.mp4']) {
      await expect(find(join(folder, name))).rejects.toMatchObject({ code: 'unreadable-file' });
    }
  });
});

describe('with keepGoing, a file that is nothing that is taken, or not there,', () => {
  test('is one of the inputs, and says what is wrong', async () => {
    const [video, notes] = [write('a.ivf', 'ivf'), write('notes.txt', 'text')];
    const inputs = await going(video, notes, join(folder, 'none.mp4'));
    expect(inputs.map(({ kind, name }) => [kind, name])).toEqual([
      ['video', 'a'],
      ['refused', 'notes'],
      ['refused', 'none'],
    ]);
    const messages = inputs.map((input) => (input.kind === 'refused' ? input.error.message : ''));
    expect(messages[1]).toContain('notes.txt: expected a video or a JPEG, PNG or WebP image');
    expect(messages[2]).toContain('none.mp4: expected a file or a folder');
  });

  test('is an error where it is the only one', async () => {
    await expect(going(write('notes.txt', 'text'))).rejects.toMatchObject({
      code: 'unreadable-file',
    });
  });

  test('is no cover for a wrong command line', async () => {
    const video = write('a.ivf', 'ivf');
    mkdirSync(join(folder, 'empty'));
    for (const name of ['*.mkv', 'empty']) {
      await expect(going(video, join(folder, name))).rejects.toMatchObject({ code: 'usage' });
    }
  });
});

describe('a folder', () => {
  test('is all images in it by number, and nothing else', async () => {
    for (const name of ['frame10.jpg', 'frame9.JPEG', 'frame1.png']) write(`in/${name}`, 'jpeg');
    write('in/notes.txt', 'text');
    const inputs = await find(join(folder, 'in'));
    expect(inputs.map(({ kind, name }) => [kind, name])).toEqual([
      ['image', 'frame1'],
      ['image', 'frame9'],
      ['image', 'frame10'],
    ]);
  });

  test('may be one sequence, in the same order', async () => {
    for (const name of ['10.jpg', '9.jpg']) write(`in/${name}`, 'jpeg');
    expect(await findInputs([join(folder, 'in')], { ...options, asSequence: true })).toEqual([
      {
        kind: 'sequence',
        name: 'in',
        files: ['9.jpg', '10.jpg'].map((name) => join(folder, 'in', name)),
      },
    ]);
  });

  test('may hold videos too, but for a sequence', async () => {
    write('in/clip.mp4', 'ivf');
    write('in/a.png', 'jpeg');
    const inputs = await find(join(folder, 'in'));
    expect(inputs.map(({ kind, name }) => [kind, name])).toEqual([
      ['image', 'a'],
      ['video', 'clip'],
    ]);
    const [sequence] = await findInputs([join(folder, 'in')], { ...options, asSequence: true });
    expect(sequence).toMatchObject({ kind: 'sequence', files: [join(folder, 'in/a.png')] });
  });

  test('without images is a usage error', async () => {
    write('in/clip.mp4', 'ivf');
    write('empty/notes.txt', 'text');
    const sequence = findInputs([join(folder, 'in')], { ...options, asSequence: true });
    await expect(sequence).rejects.toMatchObject({ code: 'usage' });
    await expect(find(join(folder, 'empty'))).rejects.toMatchObject({ code: 'usage' });
  });
});

const names = async (pattern: string) =>
  (await find(join(folder, pattern))).map(({ name }) => name);

describe('a pattern', () => {
  test('is every file that matches it, in the order of their numbers', async () => {
    for (const name of ['in/v10.ivf', 'in/v9.ivf', 'in/x.ivf', 'in/deep/v1.ivf'])
      write(name, 'ivf');
    expect(await names('in/v*.ivf')).toEqual(['v9', 'v10']);
    expect(await names('in/**/v*.ivf')).toEqual(['v1', 'v9', 'v10']);
    await expect(names('in/*.mkv')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('expected a pattern that files match') as string,
    });
  });

  test('is a name where a file is called so', async () => {
    const file = write('take[1].ivf', 'ivf');
    expect((await find(file)).map(({ name }) => name)).toEqual(['take[1]']);
  });
});

test('inputs of one name get numbers, which are free themselves', async () => {
  const files = ['a/x.jpg', 'b/x.jpg', 'c/x-2.jpg', 'd/x.jpg'].map((name) => write(name, 'jpeg'));
  const numbered = (await find(...files)).map(({ name }) => name);
  expect(numbered).toEqual(['x', 'x-2', 'x-2-2', 'x-3']);
});
