import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readIndexedPng } from '../../../src/formats/indexed-png.ts';
import { createFolderOutput } from '../../../src/cli/output/folder-output.ts';
import { answeredFrame, answeredHeader } from '../../fixtures/answered-frame.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-output-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('a folder', () => {
  test('holds one picture of ids for every frame and frames.json in its exact shape', async () => {
    const output = createFolderOutput(folder);
    await output.open(answeredHeader);
    await output.write(answeredFrame(0, [1, 2]));
    await output.write(answeredFrame(1, []));
    await output.close();
    expect(readdirSync(join(folder, 'masks'))).toEqual(['00000.png', '00001.png']);
    const { ids } = readIndexedPng(readFileSync(join(folder, 'masks/00000.png')), 'a');
    expect([ids[3 * 16 + 4], ids[3 * 16 + 8], ids[3 * 16 + 7]]).toEqual([1, 2, 0]);
    expect(JSON.parse(readFileSync(join(folder, 'frames.json'), 'utf8'))).toEqual({
      version: 1,
      width: 16,
      height: 10,
      model: 'maskstream-tiny',
      frames: [
        {
          frame_index: 0,
          timestamp_us: 0,
          source: 'keyframe',
          reason: 'prompt',
          objects: [
            {
              object_id: 1,
              label: null,
              state: 'visible',
              box: [4, 2, 3, 4],
              area: 12,
              predicted_iou: 0.93,
              confidence: 0.9,
              presence: 0.97,
            },
            {
              object_id: 2,
              label: null,
              state: 'visible',
              box: [8, 2, 3, 4],
              area: 12,
              predicted_iou: null,
              confidence: 0.9,
              presence: null,
            },
          ],
        },
        { frame_index: 1, timestamp_us: 33_333, source: 'propagated', reason: null, objects: [] },
      ],
    });
  });

  test('that exists has its masks and frames.json replaced, and nothing else touched', async () => {
    mkdirSync(join(folder, 'masks'));
    writeFileSync(join(folder, 'masks/00007.png'), 'old');
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const output = createFolderOutput(folder);
    await output.open(answeredHeader);
    await output.write(answeredFrame(0, []));
    await output.close();
    expect(readdirSync(join(folder, 'masks'))).toEqual(['00000.png']);
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test('keeps what is there where a run fails before its first frame', async () => {
    const earlier = createFolderOutput(folder);
    await earlier.open(answeredHeader);
    await earlier.write(answeredFrame(0, [1]));
    await earlier.close();
    const before = readFileSync(join(folder, 'frames.json'), 'utf8');
    const output = createFolderOutput(folder);
    await output.open(answeredHeader);
    await output.discard();
    expect(readdirSync(join(folder, 'masks'))).toEqual(['00000.png']);
    expect(readFileSync(join(folder, 'frames.json'), 'utf8')).toBe(before);
  });

  test('of a failed run keeps valid JSON of the frames that came', async () => {
    const output = createFolderOutput(folder);
    await output.open(answeredHeader);
    await output.write(answeredFrame(0, [1]));
    await output.discard();
    expect(JSON.parse(readFileSync(join(folder, 'frames.json'), 'utf8')).frames).toHaveLength(1);
  });
});
