import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Container } from '../../src/frame/container.ts';
import { createDecoder } from '../../src/video/index.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';
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
import type { Decoded } from '../fixtures/encoded-clips.ts';

expectNothingLeft();

const fragmented = '-movflags frag_keyframe+empty_moov';
/** Left half black, right half white, so that orientation shows; noise, so that frames have bytes. */
const halves = "geq=lum='if(lt(X,W/2),30,220)':cb=128:cr=128,noise=alls=16:allf=t";

async function decodeFile(
  path: string | Uint8Array,
  container: Container,
  binary: FfmpegBinary,
): Promise<Decoded> {
  const options = { container, frameRate: 30, signal: never };
  return decodeAll(createDecoder({ ffmpeg: binary })(chunksOf(path), options), {
    keepPixels: true,
  });
}

/** Luma of the picture at fractions of its sides. */
function lumaAt(decoded: Decoded, frame: number, xRatio: number, yRatio: number): number {
  const { width, height } = decoded.frames[frame]?.analysis ?? { width: 0, height: 0 };
  const index = Math.floor(yRatio * height) * width + Math.floor(xRatio * width);
  return decoded.pixels[frame]?.[index] ?? -1;
}

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('with %s', (_, binary) => {
  test('a display matrix turns the picture upright', async () => {
    const flat = await makeClip({
      encode: encoders.h264,
      extension: 'mp4',
      frames: 3,
      filter: halves,
    });
    const turned = temporaryPath('turned.mp4');
    await ffmpeg(['-i', flat, '-c', 'copy', '-metadata:s:v', 'rotate=90', turned]);
    const decoded = await decodeFile(turned, 'mp4', binary);
    expect(decoded.formats[0]).toMatchObject({
      display: { width: 180, height: 320 },
      analysis: { width: 180, height: 320 },
    });
    // ffprobe calls this matrix 90 degrees, counter-clockwise: the right side is on top.
    expect(lumaAt(decoded, 0, 0.5, 0.2)).toBeGreaterThan(190);
    expect(lumaAt(decoded, 0, 0.5, 0.8)).toBeLessThan(60);
  });

  test.each([
    ['2/1', { width: 640, height: 180 }, { width: 512, height: 144 }],
    ['1/2', { width: 320, height: 360 }, { width: 320, height: 360 }],
    ['64/45', { width: 455, height: 180 }, { width: 454, height: 180 }],
  ])(
    'pixels of aspect %s are made square by enlarging one side',
    async (sar, display, analysis) => {
      const filter = `setsar=${sar}`;
      const clip = await makeClip({ encode: encoders.h264, extension: 'mkv', frames: 3, filter });
      const decoded = await decodeFile(clip, 'matroska', binary);
      expect(decoded.formats).toHaveLength(1);
      expect(decoded.formats[0]).toMatchObject({ display, analysis });
    },
  );

  test('pixel aspect and rotation together', async () => {
    const filter = 'setsar=2/1';
    const flat = await makeClip({ encode: encoders.h264, extension: 'mp4', frames: 3, filter });
    const turned = temporaryPath('turned-wide.mp4');
    await ffmpeg(['-i', flat, '-c', 'copy', '-metadata:s:v', 'rotate=90', turned]);
    const decoded = await decodeFile(turned, 'mp4', binary);
    expect(decoded.formats[0]?.display).toEqual({ width: 180, height: 640 });
  });

  describe('a size change is announced before its first frame', () => {
    test.each([
      ['H.264 Annex B', 'h264-annex-b', encoders.h264, 'h264'],
      ['HEVC Annex B', 'hevc-annex-b', encoders.hevc, 'hevc'],
      ['MPEG-TS', 'mpeg-ts', encoders.h264, 'ts'],
      ['MJPEG', 'mjpeg', encoders.mjpeg, 'mjpeg'],
    ] as const)('in %s', async (_name, container, encode, extension) => {
      const wide = { encode, extension, frames: 7, filter: halves };
      const first = await makeClip(wide);
      const second = await makeClip({ ...wide, size: '240x720' });
      const joined = Buffer.concat([await readFile(first), await readFile(second)]);
      const decoded = await decodeFile(joined, container, binary);
      expect(decoded.error).toBeNull();
      expectChange(decoded);
    });

    test('in IVF with VP8', async () => {
      const wide = { encode: encoders.vp8, extension: 'ivf', frames: 7, filter: halves };
      const first = await readFile(await makeClip(wide));
      const second = await readFile(await makeClip({ ...wide, size: '240x720' }));
      const decoded = await decodeFile(Buffer.concat([first, second.subarray(32)]), 'ivf', binary);
      expect(decoded.error).toBeNull();
      expectChange(decoded);
    });

    test.each([
      ['Matroska', 'matroska', '', 'mkv'],
      ['fragmented MP4', 'mp4', fragmented, 'mp4'],
    ] as const)('in %s', async (_name, container, flags, extension) => {
      const wide = { encode: encoders.h264, extension: 'ts', frames: 7, filter: halves };
      const parts = [await makeClip(wide), await makeClip({ ...wide, size: '240x720' })];
      const list = temporaryPath('list.txt');
      await writeFile(list, parts.map((part) => `file ${part}\n`).join(''));
      const joined = temporaryPath(`joined.${extension}`);
      const copy = ['-c', 'copy', ...flags.split(' ').filter(Boolean), joined];
      await ffmpeg(['-f', 'concat', '-safe', '0', '-i', list, ...copy]);
      const decoded = await decodeFile(joined, container, binary);
      expect(decoded.error).toBeNull();
      expectChange(decoded);
    });
  });

  test('a change of the pixel aspect alone is announced, too', async () => {
    const square = { encode: encoders.h264, extension: 'h264', frames: 5 };
    const first = await readFile(await makeClip(square));
    const second = await readFile(await makeClip({ ...square, filter: 'setsar=2/1' }));
    const decoded = await decodeFile(Buffer.concat([first, second]), 'h264-annex-b', binary);
    expect(decoded.formats.map((format) => [format.fromFrameIndex, format.display])).toEqual([
      [0, { width: 320, height: 180 }],
      [5, { width: 640, height: 180 }],
    ]);
    expect(decoded.frames[5]?.analysis).toEqual({ width: 512, height: 144 });
  });
});

function expectChange(decoded: Decoded): void {
  expect(decoded.frames).toHaveLength(14);
  expect(
    decoded.formats.map(({ fromFrameIndex, display, analysis }) => ({
      fromFrameIndex,
      display,
      analysis,
    })),
  ).toEqual([
    {
      fromFrameIndex: 0,
      display: { width: 320, height: 180 },
      analysis: { width: 320, height: 180 },
    },
    {
      fromFrameIndex: 7,
      display: { width: 240, height: 720 },
      analysis: { width: 170, height: 512 },
    },
  ]);
  for (const frame of [0, 6, 7, 13]) {
    expect(lumaAt(decoded, frame, 0.25, 0.95)).toBeLessThan(60);
    expect(lumaAt(decoded, frame, 0.75, 0.95)).toBeGreaterThan(190);
    expect(decoded.frames[frame]?.display).toEqual(decoded.formats[frame < 7 ? 0 : 1]?.display);
  }
}
