import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readPromptWords, writeMaskFile } from '../fixtures/prompt-words.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-prompts-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function jsonFile(content: unknown): string {
  const file = join(folder, 'prompts.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('a prompts file', () => {
  test('adds an object the first time, refines it later, and takes masks beside it', async () => {
    writeMaskFile(join(folder, 'ids.png'), [0, 2]);
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
    const prompts = await readPromptWords('--prompts', file);
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

  test('may name frames in any order: the earlier one adds the object', async () => {
    const box = [1, 2, 3, 4];
    const file = jsonFile({
      version: 1,
      prompts: [
        { frame_index: 20, object_id: 1, points: [[5, 6]] },
        { frame_index: 30, object_id: 1, action: 'remove' },
        { frame_index: 5, object_id: 1, box },
        { object_id: 2, box },
      ],
    });
    const prompts = await readPromptWords('--prompts', file);
    expect(prompts.map(({ objectId, action, at }) => [objectId, action, at])).toEqual([
      [2, 'add', { kind: 'frame', frameIndex: 0 }],
      [1, 'add', { kind: 'frame', frameIndex: 5 }],
      [1, 'refine', { kind: 'frame', frameIndex: 20 }],
      [1, 'remove', { kind: 'frame', frameIndex: 30 }],
    ]);
  });

  test('with a time stay in the order of the file', async () => {
    const box = [1, 2, 3, 4];
    const file = jsonFile({
      version: 1,
      prompts: [
        { timestamp_us: 900_000, object_id: 1, box },
        { frame_index: 0, object_id: 1, points: [[5, 6]] },
      ],
    });
    const prompts = await readPromptWords('--prompts', file);
    expect(prompts.map(({ action }) => action)).toEqual(['add', 'refine']);
  });

  test.each([
    ['not JSON', 'expected JSON'],
    [{ prompts: [] }, 'version'],
    [{ version: 1, prompts: [] }, 'prompts'],
    [{ version: 1, prompts: [{ object_id: 1 }] }, 'expected box, points, mask or text, got none'],
    [{ version: 1, prompts: [{ object_id: 0, box: [1, 2, 3, 4] }] }, 'prompts.0.object_id'],
    [
      { version: 1, prompts: [{ object_id: 1, box: [1, 2, 3] }] },
      'at prompts.0.box: expected [x, y, width, height], got [1,2,3]',
    ],
    [
      { version: 1, prompts: [{ object_id: 1, points: [[1, 2, 7]] }] },
      'at prompts.0.points.0: expected [x, y], [x, y, 1] or [x, y, 0], got [1,2,7]',
    ],
    [
      { version: 1, prompts: [{ object_id: 1, bxo: [1, 2, 3, 4] }] },
      'at prompts.0: expected "box", got "bxo", which is no field here',
    ],
    [{ version: 1, prompts: [{ object_id: 1, box: [1, 2, 3, 4], colour: 1 }] }, 'colour'],
    [
      {
        version: 1,
        prompts: [{ object_id: 1, box: [1, 2, 3, 4], frame_index: 1, timestamp_us: 1 }],
      },
      'expected frame_index or timestamp_us, got both',
    ],
  ])('%j is a usage error that names the place', async (content, message) => {
    await expect(readPromptWords('--prompts', jsonFile(content))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(message) as string,
    });
  });
});
