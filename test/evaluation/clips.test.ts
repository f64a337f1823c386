import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findClips, readTrueMasks, readTruths } from '../../src/evaluation/clips.ts';
import { writeIndexedPng } from '../../src/formats/indexed-png.ts';
import { maskToBitmap } from '../../src/frame/mask.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-clips-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A clip of these frames; frame k shows object 1 in its first k + 1 pixels of 4 x 2. */
function writeClip(name: string, frames: readonly number[]): void {
  const masks = join(folder, name, 'masks');
  mkdirSync(masks, { recursive: true });
  writeFileSync(join(folder, name, 'clip.mp4'), '');
  for (const frame of frames) {
    const ids = Uint8Array.from({ length: 8 }, (_, at) => (at <= frame ? 1 : 0));
    const file = `${String(frame).padStart(5, '0')}.png`;
    writeFileSync(join(masks, file), writeIndexedPng({ size: { width: 4, height: 2 }, ids }));
  }
}

describe('clips', () => {
  test('are the folders with a video, by name; their masks are in order of frames', async () => {
    writeClip('b', [5, 0, 10]);
    writeClip('a', [0]);
    mkdirSync(join(folder, 'notes'));
    writeFileSync(join(folder, 'b/masks/README.txt'), '');
    const clips = await findClips(folder, null);
    expect(clips.map(({ name }) => name)).toEqual(['a', 'b']);
    expect([...clips[1]!.maskFiles.keys()]).toEqual([0, 5, 10]);
  });

  test('may be one folder that is a clip itself', async () => {
    writeClip('', [0]);
    const [clip, ...others] = await findClips(folder, null);
    expect(others).toEqual([]);
    expect(clip?.videoFile).toBe(join(folder, 'clip.mp4'));
  });

  test('are those that were asked for, and one that is not there is named', async () => {
    for (const name of ['a', 'b', 'c']) writeClip(name, [0]);
    const chosen = await findClips(folder, ['c', 'a']);
    expect(chosen.map(({ name }) => name)).toEqual(['a', 'c']);
    await expect(findClips(folder, ['a', 'd'])).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('no clip "d"') as string,
    });
  });

  test('that are none, or have no masks, are a usage error', async () => {
    await expect(findClips(join(folder, 'none'), null)).rejects.toMatchObject({
      code: 'unreadable-file',
    });
    await expect(findClips(folder, null)).rejects.toMatchObject({ code: 'usage' });
    writeClip('a', []);
    await expect(findClips(folder, null)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('expected NNNNN.png, got none') as string,
    });
  });
});

describe('true masks', () => {
  test('are one for each id in the file', async () => {
    const file = join(folder, 'ids.png');
    const ids = Uint8Array.of(0, 3, 3, 0, 7, 0, 0, 0);
    writeFileSync(file, writeIndexedPng({ size: { width: 4, height: 2 }, ids }));
    const { objects } = await readTrueMasks(file);
    expect([...objects.keys()].toSorted((a, b) => a - b)).toEqual([3, 7]);
    expect([...maskToBitmap(objects.get(3)!)]).toEqual([0, 1, 1, 0, 0, 0, 0, 0]);
  });

  test('of another size than the picture are stretched to the nearest pixel', async () => {
    const file = join(folder, 'ids.png');
    const ids = Uint8Array.of(1, 0, 0, 2);
    writeFileSync(file, writeIndexedPng({ size: { width: 2, height: 2 }, ids }));
    const { size, objects } = await readTrueMasks(file, { width: 4, height: 3 });
    expect(size).toEqual({ width: 4, height: 3 });
    expect([...maskToBitmap(objects.get(1)!)]).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...maskToBitmap(objects.get(2)!)]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1]);
  });

  test('of a whole clip are by frame, in order', async () => {
    writeClip('a', [3, 1]);
    const [clip] = await findClips(folder, null);
    const truths = await readTruths(clip!);
    expect([...truths].map(([frame, { objects }]) => [frame, objects.get(1)?.area])).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});
