import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Container } from '../../src/frame/container.ts';
import { createDecoder } from '../../src/video/index.ts';
import {
  chunksOf,
  decodeAll,
  expectNothingLeft,
  never,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';

expectNothingLeft();

const folder = fileURLToPath(new URL('../../../shared/clips/hard/', import.meta.url));
const present = existsSync(folder);
if (!present)
  console.warn('SKIPPED: the awkward clips are not on this machine (shared/clips/hard)');

/** Frames as `ffprobe -count_frames` gives them, and the display size. */
const clips: readonly [string, Container, number, string][] = [
  ['mediabunny_0.ts', 'mpeg-ts', 298, '720x720'],
  ['mediabunny_annex-b.mp4', 'mp4', 6, '1920x1080'],
  ['mediabunny_cursed-vfr.mp4', 'mp4', 63, '3026x1386'],
  ['mediabunny_edts.mp4', 'mp4', 225, '854x480'],
  ['mediabunny_entry24-segment3.ts', 'mpeg-ts', 100, '1280x720'],
  ['mediabunny_frames.webm', 'webm', 100, '1080x1080'],
  ['mediabunny_hevc.ts', 'mpeg-ts', 120, '1920x1080'],
  ['mediabunny_no-aud.ts', 'mpeg-ts', 9, '2560x1440'],
  ['mediabunny_no-initial-keyframe.ts', 'mpeg-ts', 15, '640x360'],
  ['mediabunny_rotate-buck-bunny.mp4', 'mp4', 45, '1080x1920'],
  ['mediabunny_sar_2x1.mp4', 'mp4', 150, '1280x360'],
  ['mediabunny_video.mp4', 'mp4', 125, '1920x1080'],
  ['nodeav_1080x2400.h264', 'h264-annex-b', 2, '1080x2400'],
  ['nodeav_video_mpeg1.m1v', 'mpeg-video', 30, '320x240'],
];

describe.skipIf(!present)('awkward clips', () => {
  test.each(clips)(
    '%s gives the frames that ffprobe counts',
    async (name, container, count, size) => {
      const decode = createDecoder({ ffmpeg: systemFfmpeg });
      const options = { container, frameRate: 30, signal: never };
      const decoded = await decodeAll(decode(chunksOf(folder + name, 65_536), options));
      expect(decoded.error).toBeNull();
      expect(decoded.frames).toHaveLength(count);
      const { width, height } = decoded.formats[0]?.display ?? { width: 0, height: 0 };
      expect(`${width}x${height}`).toBe(size);
      const rising = decoded.timesUs.every(
        (time, i) => i === 0 || time > (decoded.timesUs[i - 1] ?? 0),
      );
      expect(rising).toBe(true);
    },
  );

  test('a raw stream that tells no rate asks for one', async () => {
    const decode = createDecoder({ ffmpeg: systemFfmpeg });
    const options = { container: 'h264-annex-b', frameRate: null, signal: never } as const;
    const decoded = await decodeAll(decode(chunksOf(`${folder}nodeav_1080x2400.h264`), options));
    expect(decoded.error).toMatchObject({ code: 'invalid-config' });
  });
});
