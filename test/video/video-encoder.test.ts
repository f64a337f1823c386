import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeVideo } from '../../src/video/index.ts';
import {
  bundledFfmpeg,
  expectNothingLeft,
  never,
  systemFfmpeg,
  temporaryPath,
} from '../fixtures/encoded-clips.ts';
import { rgbFrames } from '../fixtures/rgb-frames.ts';

expectNothingLeft();

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('with %s', (_, binary) => {
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
