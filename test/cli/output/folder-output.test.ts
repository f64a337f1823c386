import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readIndexedPng } from '../../../src/formats/indexed-png.ts';
import type { AnsweredFrame } from '../../../src/formats/answered-frame.ts';
import { drawOverlay, overlayColour } from '../../../src/cli/output/draw-overlay.ts';
import { createFolderOutput } from '../../../src/cli/output/folder-output.ts';
import { createZipArchive } from '../../../src/cli/output/zip-output.ts';
import { emptyMask, maskFromBitmap } from '../../../src/frame/mask.ts';

const size = { width: 16, height: 10 };
const header = { ...size, model: 'maskstream-tiny', frameRate: 30 };

function frame(frameIndex: number, ids: readonly number[]): AnsweredFrame {
  return {
    frameIndex,
    timestampUs: frameIndex * 33_333,
    source: frameIndex === 0 ? 'keyframe' : 'propagated',
    reason: frameIndex === 0 ? 'prompt' : null,
    keyframeIndex: 0,
    framesDroppedBefore: 0,
    totalUs: 1,
    captureTimestampUs: null,
    objects: ids.map((objectId) => {
      const bits = new Uint8Array(160);
      for (let y = 2; y < 6; y++) bits.fill(1, y * 16 + objectId * 4, y * 16 + objectId * 4 + 3);
      const mask = maskFromBitmap(bits, size);
      return {
        objectId,
        label: null,
        state: 'visible' as const,
        box: mask.box,
        area: mask.area,
        predictedIou: objectId === 1 ? 0.93 : null,
        confidence: Math.fround(0.9),
        mask,
      };
    }),
  };
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-output-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a folder', () => {
  test('holds one picture of ids for every frame and frames.json in its exact shape', async () => {
    const output = createFolderOutput(folder);
    await output.open(header);
    await output.write(frame(0, [1, 2]));
    await output.write(frame(1, []));
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
            },
            {
              object_id: 2,
              label: null,
              state: 'visible',
              box: [8, 2, 3, 4],
              area: 12,
              predicted_iou: null,
              confidence: 0.9,
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
    await output.open(header);
    await output.write(frame(0, []));
    await output.close();
    expect(readdirSync(join(folder, 'masks'))).toEqual(['00000.png']);
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test('of a failed run keeps valid JSON of the frames that came', async () => {
    const output = createFolderOutput(folder);
    await output.open(header);
    await output.write(frame(0, [1]));
    await output.discard();
    expect(JSON.parse(readFileSync(join(folder, 'frames.json'), 'utf8')).frames).toHaveLength(1);
  });
});

describe('a ZIP', () => {
  test('holds the same files as a folder, for each input below its name', async () => {
    const frames = Array.from({ length: 40 }, (_, index) => frame(index, [1, 2]));
    const archive = createZipArchive(join(folder, 'a.zip'));
    for (const output of [createFolderOutput(folder), archive.output(''), archive.output('b')]) {
      await output.open(header);
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
    await output.open(header);
    await output.write(frame(0, [1]));
    await output.discard();
    await archive.discard();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('an overlay', () => {
  test('tints the mask, leaves the rest, and survives objects without a mask', () => {
    const picture = { size: { width: 64, height: 48 }, data: new Uint8Array(64 * 48 * 3) };
    const bits = new Uint8Array(64 * 48);
    for (let y = 20; y < 40; y++) bits.fill(1, y * 64 + 10, y * 64 + 50);
    const mask = maskFromBitmap(bits, picture.size);
    const base = frame(0, [1]).objects[0];
    if (base === undefined) throw new Error('expected an object');
    const hidden = { ...base, objectId: 2, box: null, area: 0, mask: emptyMask(picture.size) };
    drawOverlay(picture, { ...frame(0, []), objects: [{ ...base, mask, box: mask.box }, hidden] });
    const at = (x: number, y: number) => [
      ...picture.data.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3),
    ];
    expect(at(10, 25)).toEqual([...overlayColour(1)]);
    expect(at(30, 30)).toEqual(overlayColour(1).map((value) => Math.round(value * 0.45)));
    expect(at(60, 45)).toEqual([0, 0, 0]);
    // The label stands on its background above the box.
    expect(at(10, 12)).toEqual([...overlayColour(1)]);
  });
});
