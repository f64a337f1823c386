import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { foundClips, readFoundClips } from '../../bench/support/fuzz/found-clips.ts';
import { createDecoder } from '../../src/video/index.ts';
import {
  bundledFfmpeg,
  chunksOf,
  decodeAll,
  encoders,
  expectNothingLeft,
  ffmpeg,
  makeClip,
  never,
  systemFfmpeg,
  temporaryPath,
} from '../fixtures/encoded-clips.ts';

expectNothingLeft();

const found = await readFoundClips();

describe.each([systemFfmpeg, bundledFfmpeg])('with $version', (binary) => {
  test.each(found)('$name gives the frames that plain ffmpeg gives', async (clip) => {
    const { container, bytes, name } = clip;
    const expected = foundClips.find((one) => one.name === name)?.frames;
    for (const chunkBytes of [100, bytes.length]) {
      const options = { container, frameRate: null, signal: never };
      const decode = createDecoder({ ffmpeg: binary });
      const { error, frames } = await decodeAll(decode(chunksOf(bytes, chunkBytes), options));
      expect(error).toBeNull();
      expect(frames).toHaveLength(expected ?? NaN);
    }
  });

  test.each([5, 100])('an FLV whose sound comes %i tags before its video', async (early) => {
    const clip = await flvWithSound();
    const { header, tags } = flvTags(await readFile(clip));
    const sound = tags.filter(isSound);
    const moved = Buffer.concat([
      header,
      ...sound.slice(0, early),
      ...tags.filter((tag) => !isSound(tag)),
      ...sound.slice(early),
    ]);
    const decode = createDecoder({ ffmpeg: binary });
    const options = { container: 'flv', frameRate: null, signal: never } as const;
    const plain = await decodeAll(decode(chunksOf(clip), options));
    const late = await decodeAll(decode(chunksOf(moved, 1000), options));
    expect(plain.frames).toHaveLength(20);
    expect(late.error).toBeNull();
    expect(late.timesUs).toEqual(plain.timesUs);
    expect(late.formats).toEqual(plain.formats);
  });
});

async function flvWithSound(): Promise<string> {
  const silent = await makeClip({ encode: `${encoders.h264} -f flv`, extension: 'flv' });
  const path = temporaryPath('with-sound.flv');
  const sound = '-f lavfi -i sine -map 0:v -map 1:a -c:v copy -c:a mp3 -t 0.66'.split(' ');
  await ffmpeg(['-i', silent, ...sound, path]);
  return path;
}

/** Its tag's type. */
function isSound(tag: Buffer): boolean {
  return tag[0] === 8;
}

/** Tags with their back pointers: 11 bytes, the body, 4 bytes. */
function flvTags(bytes: Buffer): { readonly header: Buffer; readonly tags: readonly Buffer[] } {
  const headerBytes = 13;
  const tags: Buffer[] = [];
  for (let at = headerBytes; at < bytes.length; at += tags.at(-1)!.length) {
    tags.push(bytes.subarray(at, at + 11 + bytes.readUIntBE(at + 1, 3) + 4));
  }
  return { header: bytes.subarray(0, headerBytes), tags };
}
