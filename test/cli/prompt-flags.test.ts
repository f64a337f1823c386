import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readPromptWords, writeMaskFile } from '../fixtures/prompt-words.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-prompts-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('prompt options', () => {
  test('the k-th bare box is object k, and ids stand before a colon', async () => {
    const prompts = await readPromptWords(
      '--box',
      '1,2,3,4',
      '--box',
      '7:5,6,7,8',
      '--box',
      '9,9,1.5,2',
    );
    expect(prompts.map(({ objectId, prompts: { box } }) => [objectId, box])).toEqual([
      [1, { x: 1, y: 2, width: 3, height: 4 }],
      [7, { x: 5, y: 6, width: 7, height: 8 }],
      [2, { x: 9, y: 9, width: 1.5, height: 2 }],
    ]);
  });

  test('a threshold goes with its phrase, from 0 to 1', async () => {
    const [prompt] = await readPromptWords('--text', 'red car', '--threshold', '0.25');
    expect(prompt?.text).toMatchObject({ phrase: 'red car', minScore: 0.25 });
    const [plain] = await readPromptWords('--text', 'red car');
    expect(plain?.text).not.toHaveProperty('minScore');
    for (const threshold of ['1.5', '-0.1', 'high', '']) {
      const words = ['--text', 'car', `--threshold=${threshold}`];
      await expect(readPromptWords(...words)).rejects.toThrow(
        '--threshold: expected a number from 0 to 1',
      );
    }
    const alone = readPromptWords('--box', '1,2,3,4', '--threshold', '0.5');
    await expect(alone).rejects.toThrow('--threshold: expected --text as well, got none');
  });

  test('bare points belong to object 1 and join its box in one update', async () => {
    const prompts = await readPromptWords(
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
    const prompts = await readPromptWords(
      '--mask',
      writeMaskFile(join(folder, 'ids.png'), [0, 3, 1, 1]),
    );
    expect(prompts.map(({ objectId, prompts: { mask } }) => [objectId, mask?.area])).toEqual([
      [1, 6],
      [3, 3],
    ]);
  });

  test('a phrase takes the ids after all others', async () => {
    const [, text] = await readPromptWords(
      '--box',
      '9:1,1,2,2',
      '--text',
      'a dog',
      '--max-objects',
      '3',
    );
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
    const failing = (async () => readPromptWords(...words))();
    await expect(failing).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message) as string,
    });
  });

  test('a missing mask file is named', async () => {
    await expect(readPromptWords('--mask', join(folder, 'none.png'))).rejects.toMatchObject({
      code: 'unreadable-file',
    });
  });
});
