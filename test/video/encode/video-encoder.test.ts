import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeVideo } from '../../../src/video/index.ts';
import {
  bundledFfmpeg,
  expectNothingLeft,
  never,
  probeTimesUs,
  systemFfmpeg,
  temporaryPath,
} from '../../fixtures/encoded-clips.ts';
import { rgbFrames } from '../../fixtures/rgb-frames.ts';

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
    for (let i = 0; i < 6; i++) {
      const time = Math.round((i * 1e6) / 24);
      await encoder.write(new Uint8Array(97 * 61 * 3).fill(40 * i), time);
    }
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

test('a file that cannot be written is an error that says why', async () => {
  const options = { ffmpeg: systemFfmpeg, width: 64, height: 48, frameRate: 30, signal: never };
  // A folder of that name: only ffmpeg finds out, and says so on another pipe than it fails on.
  const path = temporaryPath('folder.mp4');
  mkdirSync(path);
  const encoder = await encodeVideo({ ...options, path });
  const writing = (async () => {
    for (let i = 0; i < 100; i++) await encoder.write(new Uint8Array(64 * 48 * 3), i);
    await encoder.finish();
  })();
  await expect(writing).rejects.toThrow('Is a directory');
  await encoder.close();
});

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('times, with %s', (name, binary) => {
  async function timesOf(timesUs: readonly number[], frameRate: number | null = null) {
    const path = temporaryPath(`times-${name}.mp4`);
    const options = { ffmpeg: binary, width: 64, height: 48, frameRate, path, signal: never };
    await using encoder = await encodeVideo(options);
    for (const timeUs of timesUs) await encoder.write(new Uint8Array(64 * 48 * 3), timeUs);
    await encoder.finish();
    return probeTimesUs(path);
  }

  test.each([
    ['at a variable rate', [0, 33_333, 66_667, 166_667, 1_000_001, 1_000_002]],
    ['at a high rate', [0, 2083, 4167, 6250]],
  ])('%s are kept to the microsecond', async (_, times) => {
    expect(await timesOf(times)).toEqual(times);
  });

  test('that go back go on, one step after the picture before', async () => {
    const times = [0, 40_000, 80_000, 0, 40_000, 80_000];
    expect(await timesOf(times, 25)).toEqual([0, 40_000, 80_000, 120_000, 160_000, 200_000]);
  });

  test('keep their origin, where players can show it', async () => {
    const origin = binary === systemFfmpeg ? 1_400_000 : 0;
    expect(await timesOf([1_400_000, 1_440_000])).toEqual([origin, origin + 40_000]);
    expect(await timesOf([-80_000, -40_000])).toEqual([0, 40_000]);
    expect(await timesOf([9e10, 9e10 + 40_000])).toEqual([0, 40_000]);
  });

  test.each([
    ['bt709', 'bt709', 'bt709'],
    ['bt2020nc', 'bt2020', 'smpte2084'],
    ['smpte170m', 'unknown', 'unknown'],
  ])(
    'colours come back as they were, with their tags (%s)',
    async (matrix, primaries, transfer) => {
      const colour = { matrix, primaries, transfer };
      const path = temporaryPath(`colour-${matrix}.mp4`);
      const size = { width: 64, height: 48 };
      const options = { ffmpeg: binary, ...size, frameRate: 25, colour, path, signal: never };
      await using encoder = await encodeVideo(options);
      const red = Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => (i % 3 === 0 ? 220 : 30));
      await encoder.write(red, 0);
      await encoder.finish();
      const [frame] = await rgbFrames(path, binary);
      expect(frame?.colour).toEqual(colour);
      const middle = [...(frame?.data.subarray(64 * 24 * 3 + 96, 64 * 24 * 3 + 99) ?? [])];
      for (const [channel, value] of middle.entries()) {
        expect(Math.abs(value - (channel === 0 ? 220 : 30))).toBeLessThan(8);
      }
    },
  );
});

test('an encoder that is closed early leaves no child', async () => {
  const path = temporaryPath('given-up.mp4');
  const options = { ffmpeg: systemFfmpeg, width: 64, height: 48, frameRate: 30, signal: never };
  const encoder = await encodeVideo({ ...options, path });
  await encoder.write(new Uint8Array(64 * 48 * 3), 0);
  await encoder.close();
  await encoder.close();
  expect(existsSync(temporaryPath('nothing-else'))).toBe(false);
});
