import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createDecoder, decodeRgb, encodeVideo } from '../../src/video/index.ts';
import type { RgbFrame } from '../../src/video/index.ts';
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

async function rgbFrames(path: string, binary = systemFfmpeg): Promise<RgbFrame[]> {
  const options = { ffmpeg: binary, container: 'mp4', frameRate: null, signal: never } as const;
  const frames: RgbFrame[] = [];
  for await (const frame of decodeRgb(chunksOf(path), options)) frames.push(frame);
  return frames;
}

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('with %s', (_, binary) => {
  test('full-colour frames have the count, order and times of analysis frames', async () => {
    const clip = await makeClip({
      encode: encoders.h264Reordered,
      extension: 'mp4',
      filter: 'setsar=2/1',
    });
    const decode = createDecoder({ ffmpeg: binary });
    const options = { container: 'mp4', frameRate: null, signal: never } as const;
    const analysis = await decodeAll(decode(chunksOf(clip), options));
    const frames = await rgbFrames(clip, binary);
    expect(frames.map((frame) => frame.timestampUs)).toEqual(analysis.timesUs);
    expect(frames.map((frame) => frame.index)).toEqual(analysis.frames.map((frame) => frame.index));
    expect(frames[0]?.size).toEqual({ width: 640, height: 180 });
    expect(frames[0]?.display).toEqual({ width: 640, height: 180 });
    expect(frames.every((frame) => frame.data.length === 640 * 180 * 3)).toBe(true);
  });

  test('what was written is read back', async () => {
    const path = temporaryPath('written.mp4');
    const size = { width: 97, height: 61 };
    const encoder = await encodeVideo({
      ffmpeg: binary,
      ...size,
      frameRate: 24,
      path,
      signal: never,
    });
    for (let i = 0; i < 6; i++) await encoder.write(new Uint8Array(97 * 61 * 3).fill(40 * i));
    await encoder.finish();
    await encoder.close();
    const frames = await rgbFrames(path);
    expect(frames).toHaveLength(6);
    expect(frames[1]?.timestampUs).toBe(Math.round(1e6 / 24));
    expect(frames[0]?.size).toEqual({ width: 98, height: 62 });
    for (const [i, frame] of frames.entries()) {
      expect(Math.abs((frame.data[30 * 98 * 3 + 90] ?? 0) - 40 * i)).toBeLessThan(6);
    }
    expect(readFileSync(path).includes('avc1')).toBe(true);
  });
});

test('after a size change full-colour frames keep the first size', async () => {
  const first = await makeClip({ encode: encoders.h264, extension: 'ts', frames: 4 });
  const second = await makeClip({
    encode: encoders.h264,
    extension: 'ts',
    frames: 4,
    size: '240x720',
  });
  const joined = temporaryPath('joined.mp4');
  const both = `concat:${first}|${second}`;
  await ffmpeg(['-i', both, '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov', joined]);
  const frames = await rgbFrames(joined);
  expect(frames).toHaveLength(8);
  expect(frames[7]?.size).toEqual({ width: 320, height: 180 });
  expect(frames[7]?.display).toEqual({ width: 240, height: 720 });
});

test('a file that cannot be written is an error', async () => {
  const options = { ffmpeg: systemFfmpeg, width: 64, height: 48, frameRate: 30, signal: never };
  const encoder = await encodeVideo({ ...options, path: '/nowhere/at/all.mp4' });
  const writing = (async () => {
    for (let i = 0; i < 100; i++) await encoder.write(new Uint8Array(64 * 48 * 3));
    await encoder.finish();
  })();
  await expect(writing).rejects.toMatchObject({ code: 'unreadable-file' });
  await encoder.close();
});

test('an encoder that is closed early leaves no child', async () => {
  const path = temporaryPath('given-up.mp4');
  const options = { ffmpeg: systemFfmpeg, width: 64, height: 48, frameRate: 30, signal: never };
  const encoder = await encodeVideo({ ...options, path });
  await encoder.write(new Uint8Array(64 * 48 * 3));
  await encoder.close();
  await encoder.close();
  expect(existsSync(temporaryPath('nothing-else'))).toBe(false);
});
