import { describe, expect, test } from 'vitest';
import type { Container } from '../../src/frame/container.ts';
import { createDecoder } from '../../src/video/index.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';
import { caseFile, casesPresent } from '../fixtures/shared-cases.ts';
import {
  bundledFfmpeg,
  chunksOf,
  decodeAll,
  expectNothingLeft,
  never,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';
import type { Decoded } from '../fixtures/encoded-clips.ts';

expectNothingLeft();

function decodeCase(
  name: string,
  binary: FfmpegBinary,
  stream: { readonly container: Container; readonly frameRate?: number },
): Promise<Decoded> {
  const decode = createDecoder({ ffmpeg: binary });
  const options = { frameRate: null, ...stream, signal: never };
  return decodeAll(decode(chunksOf(caseFile(name), 65_536), options));
}

describe.skipIf(!casesPresent).each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('files that users had trouble with, with %s', (_, binary) => {
  test.each([
    ['h38/vpstiming.hevc', 'hevc-annex-b', 15],
    ['h44/mpeg1_rate9.m1v', 'mpeg-video', 15],
  ] as const)('%s has the rate that ffprobe sees', async (name, container, rate) => {
    const decoded = await decodeCase(name, binary, { container });
    expect(decoded.error).toBeNull();
    expect(decoded.formats[0]?.frameRate).toBe(rate);
    expect(decoded.timesUs[1]).toBe(Math.round(1e6 / rate));
  });

  test('a declared rate overrides a stream that lies', async () => {
    const stream = { container: 'h264-annex-b', frameRate: 25 } as const;
    const decoded = await decodeCase('h39/vui500.h264', binary, stream);
    expect(decoded.timesUs.at(-1)).toBe(760_000);
  });

  test('a codec of the sound is not taken for that of the video', async () => {
    const { error } = await decodeCase('h31/av_cut.mp4', binary, { container: 'mp4' });
    expect(error).toMatchObject({ code: 'undecodable-video' });
    expect(String(error)).not.toContain('aac');
    expect(String(error)).toContain('before its end, which came early');
  });

  test('a transport stream of 6 kB with times before its packets gives every frame', async () => {
    const { frames } = await decodeCase('h27/avchd.m2ts', binary, { container: 'mpeg-ts' });
    expect(frames).toHaveLength(10);
  });

  test('times that go back are no damage', async () => {
    const decoded = await decodeCase('h40/ts_times_back.ts', binary, { container: 'mpeg-ts' });
    expect([decoded.error, decoded.frames.length, decoded.warnings]).toEqual([null, 20, 0]);
  });

  test('tracks that stand behind the clusters are said to be missing', async () => {
    const name = 'h46/sample_last_cluster.mkv';
    const { error } = await decodeCase(name, binary, { container: 'matroska' });
    expect(String(error)).toContain('found no video stream in it');
  });

  test('an encrypted MP4 is said to be encrypted', async () => {
    const { error, frames } = await decodeCase('h22/cbcs_fragment.mp4', binary, {
      container: 'mp4',
    });
    expect(error).toMatchObject({ code: 'undecodable-video' });
    expect(String(error)).toContain('encrypted mp4 (cbcs)');
    expect(frames).toHaveLength(0);
  });

  test.each(['h24/free300k.mp4', 'h25/chunks_halves.mp4'])(
    '%s gives every frame, whatever the order of its parts',
    async (name) => {
      const decoded = await decodeCase(name, binary, { container: 'mp4' });
      expect([decoded.error, decoded.truncated, decoded.frames.length]).toEqual([null, false, 50]);
    },
  );

  test.each([
    ['hflip', 40, 40],
    ['vflip', 200, 140],
    ['transpose', 40, 200],
    ['antitr', 140, 40],
  ])('the mirrored picture of a display matrix (%s) is upright', async (name, x, y) => {
    const decode = createDecoder({ ffmpeg: binary });
    const options = { container: 'mp4', frameRate: null, signal: never } as const;
    const chunks = chunksOf(caseFile(`h33/mirrored_${name}.mp4`));
    const decoded = await decodeAll(decode(chunks, options), { keepPixels: true });
    const { width, height } = decoded.frames[0]?.analysis ?? { width: 0, height: 0 };
    // V of the red square, which is 40 to 50 pixels wide.
    const plane = width * height + (width * height) / 4;
    const redAt = (left: number, top: number): number =>
      decoded.pixels[0]?.[plane + (top >> 1) * (width >> 1) + (left >> 1)] ?? 0;
    expect(redAt(x + 20, y + 20)).toBeGreaterThan(200);
    expect(redAt(width - x - 20, height - y - 20)).toBeLessThan(180);
  });
});
