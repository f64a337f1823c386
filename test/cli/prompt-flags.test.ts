import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Command } from '../../src/cli/command.ts';
import { parseArguments } from '../../src/cli/command.ts';
import { writeIndexedPng } from '../../src/formats/indexed-png.ts';
import { promptOptions, readPrompts } from '../../src/cli/prompt-flags.ts';

const command: Command = {
  name: 'test',
  summary: '',
  usage: [],
  options: promptOptions,
  maxPositionals: 0,
  run: () => Promise.resolve(),
};
const read = (...words: string[]) => readPrompts(parseArguments(command, words));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-prompts-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function maskFile(ids: readonly number[]): string {
  const file = join(folder, 'ids.png');
  const size = { width: 4, height: 3 };
  const picture = Uint8Array.from({ length: 12 }, (_, at) => ids[at % ids.length] ?? 0);
  writeFileSync(file, writeIndexedPng({ size, ids: picture }));
  return file;
}

function jsonFile(content: unknown): string {
  const file = join(folder, 'prompts.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('prompt options', () => {
  test('the k-th bare box is object k, and ids stand before a colon', async () => {
    const prompts = await read('--box', '1,2,3,4', '--box', '7:5,6,7,8', '--box', '9,9,1.5,2');
    expect(prompts.map(({ objectId, prompts: { box } }) => [objectId, box])).toEqual([
      [1, { x: 1, y: 2, width: 3, height: 4 }],
      [7, { x: 5, y: 6, width: 7, height: 8 }],
      [2, { x: 9, y: 9, width: 1.5, height: 2 }],
    ]);
  });

  test('bare points belong to object 1 and join its box in one update', async () => {
    const prompts = await read(
      '--point',
      '5,6',
      '--point',
      '7,8,0',
      '--box',
      '1,2,3,4',
      '--at',
      '12',
    );
    expect(prompts).toEqual([
      {
        objectId: 1,
        action: 'add',
        at: { kind: 'frame', frameIndex: 12 },
        text: null,
        label: null,
        prompts: {
          box: { x: 1, y: 2, width: 3, height: 4 },
          mask: null,
          points: [
            { x: 5, y: 6, label: 'positive' },
            { x: 7, y: 8, label: 'negative' },
          ],
        },
      },
    ]);
  });

  test('a mask file gives one prompt for each id in it', async () => {
    const prompts = await read('--mask', maskFile([0, 3, 1, 1]));
    expect(prompts.map(({ objectId, prompts: { mask } }) => [objectId, mask?.area])).toEqual([
      [1, 6],
      [3, 3],
    ]);
  });

  test('a phrase takes the ids after all others', async () => {
    const [, text] = await read('--box', '9:1,1,2,2', '--text', 'a dog', '--max-objects', '3');
    expect(text?.text).toEqual({ phrase: 'a dog', firstObjectId: 10, maxObjects: 3 });
  });

  test.each([
    [['--box', '1,2,3'], /^--box: expected \[ID:\]x,y,w,h, got "1,2,3"$/],
    [['--box', '1,2,3,'], /^--box: expected \[ID:\]x,y,w,h, got/],
    [['--box', '1,2,0,4'], /^--box: expected a width and height above 0/],
    [['--box', '1,2,3,NaN'], /^--box: expected/],
    [['--box', '0:1,2,3,4'], /^--box: expected an object id of 1 to 255, got "0"$/],
    [['--box', '256:1,2,3,4'], /^--box: expected an object id of 1 to 255, got "256"$/],
    [['--box', '1:1,2,3,4', '--box', '5,6,7,8'], /^--box: expected one box for object 1/],
    [['--point', '1,2,3'], /^--point: expected \[ID:\]x,y\[,0\|1\], got "1,2,3"$/],
    [['--point', '1'], /^--point: expected/],
    [['--point', '1,2', '--at', '-1'], /--at/],
    [['--point', '1,2', '--at', '1.5'], /^--at: expected a whole number of at least 0, got "1.5"$/],
    [['--text', 'cat', '--max-objects', '0'], /^--max-objects: expected a whole number/],
    [[], /^expected a prompt .*, got none/],
    [['--nope'], /--nope/],
  ] as const)('%j is a usage error that says why', async (words, message) => {
    // One try: parsing throws at once, reading rejects.
    const failing = (async () => read(...words))();
    await expect(failing).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message) as string,
    });
  });

  test('a missing mask file is named', async () => {
    await expect(read('--mask', join(folder, 'none.png'))).rejects.toMatchObject({
      code: 'unreadable-file',
    });
  });
});

describe('a prompts file', () => {
  test('adds an object the first time, refines it later, and takes masks beside it', async () => {
    maskFile([0, 2]);
    const file = jsonFile({
      version: 1,
      prompts: [
        { frame_index: 4, object_id: 1, box: [1, 2, 3, 4], label: 'cat' },
        {
          frame_index: 9,
          object_id: 1,
          points: [
            [5, 6, 0],
            [7, 8],
          ],
        },
        { timestamp_us: 500_000, object_id: 2, mask: 'ids.png' },
        { frame_index: 20, object_id: 2, action: 'remove' },
        { frame_index: 0, object_id: 5, text: 'a dog', max_objects: 4 },
      ],
    });
    const prompts = await read('--prompts', file);
    expect(prompts.map(({ objectId, action, at }) => [objectId, action, at])).toEqual([
      [1, 'add', { kind: 'frame', frameIndex: 4 }],
      [1, 'refine', { kind: 'frame', frameIndex: 9 }],
      [2, 'add', { kind: 'timestamp', timestampUs: 500_000 }],
      [2, 'remove', { kind: 'frame', frameIndex: 20 }],
      [5, 'add', { kind: 'frame', frameIndex: 0 }],
    ]);
    expect(prompts[0]?.label).toBe('cat');
    expect(prompts[1]?.prompts.points.map(({ label }) => label)).toEqual(['negative', 'positive']);
    expect(prompts[2]?.prompts.mask?.area).toBe(6);
    expect(prompts[4]?.text).toEqual({ phrase: 'a dog', firstObjectId: 5, maxObjects: 4 });
  });

  test.each([
    ['not JSON', 'expected JSON'],
    [{ prompts: [] }, 'version'],
    [{ version: 1, prompts: [] }, 'prompts'],
    [{ version: 1, prompts: [{ object_id: 1 }] }, 'expected box, points, mask or text, got none'],
    [{ version: 1, prompts: [{ object_id: 0, box: [1, 2, 3, 4] }] }, 'prompts.0.object_id'],
    [{ version: 1, prompts: [{ object_id: 1, box: [1, 2, 3] }] }, 'prompts.0.box'],
    [{ version: 1, prompts: [{ object_id: 1, box: [1, 2, 3, 4], colour: 1 }] }, 'colour'],
    [
      {
        version: 1,
        prompts: [{ object_id: 1, box: [1, 2, 3, 4], frame_index: 1, timestamp_us: 1 }],
      },
      'expected frame_index or timestamp_us, got both',
    ],
  ])('%j is a usage error that names the place', async (content, message) => {
    await expect(read('--prompts', jsonFile(content))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(message) as string,
    });
  });
});
