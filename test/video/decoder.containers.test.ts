import { describe, expect, test } from 'vitest';
import type { Container } from '../../src/frame/container.ts';
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
  probeTimesUs,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';

expectNothingLeft();

const fragmented = '-movflags frag_every_frame+empty_moov+default_base_moof';

const cases: readonly [string, Container, string, string][] = [
  ['H.264 Annex B', 'h264-annex-b', encoders.h264, 'h264'],
  ['H.264 Annex B with B-frames', 'h264-annex-b', encoders.h264Reordered, 'h264'],
  ['HEVC Annex B', 'hevc-annex-b', encoders.hevc, 'hevc'],
  ['MPEG-TS', 'mpeg-ts', encoders.h264Reordered, 'ts'],
  ['MPEG-TS with MPEG-2', 'mpeg-ts', encoders.mpeg2, 'ts'],
  ['fragmented MP4', 'mp4', `${encoders.h264Reordered} ${fragmented}`, 'mp4'],
  ['faststart MP4', 'mp4', `${encoders.h264Reordered} -movflags +faststart`, 'mp4'],
  ['MP4 with its index at the end', 'mp4', encoders.h264Reordered, 'mp4'],
  ['MP4 with HEVC', 'mp4', `${encoders.hevc} -movflags +faststart`, 'mp4'],
  ['MP4 with MPEG-4', 'mp4', `${encoders.mpeg4} -movflags +faststart`, 'mp4'],
  ['Matroska', 'matroska', encoders.h264Reordered, 'mkv'],
  ['WebM with VP8', 'webm', encoders.vp8, 'webm'],
  ['WebM with VP9', 'webm', encoders.vp9, 'webm'],
  ['IVF with VP8', 'ivf', encoders.vp8, 'ivf'],
  ['IVF with VP9', 'ivf', encoders.vp9, 'ivf'],
  ['IVF with AV1', 'ivf', encoders.av1, 'ivf'],
  ['MJPEG', 'mjpeg', encoders.mjpeg, 'mjpeg'],
  ['AVI with MJPEG', 'avi', encoders.mjpeg, 'avi'],
  ['AVI with H.264', 'avi', encoders.h264, 'avi'],
  ['FLV', 'flv', encoders.h264Reordered, 'flv'],
  ['MPEG-1 video', 'mpeg-video', encoders.mpeg1, 'm1v'],
  ['MPEG-2 video', 'mpeg-video', encoders.mpeg2, 'm2v'],
];

const raw: readonly Container[] = ['h264-annex-b', 'hevc-annex-b', 'mjpeg', 'mpeg-video'];

/** The bundled build gets one of each demuxer; what codecs do is the same code there. */
const bundledCases = cases.filter(
  ([name]) => !/with (?:MPEG|VP8|HEVC)|MPEG-1|AVI with H/.test(name),
);

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg, cases],
  ['the bundled ffmpeg', bundledFfmpeg, bundledCases],
] as const)('with %s', (_, binary, chosen) => {
  test.each(chosen)(
    '%s gives every frame with its time',
    async (_name, container, encode, extension) => {
      const clip = await makeClip({ encode, extension });
      const decode = createDecoder({ ffmpeg: binary });
      const options = { container, frameRate: container === 'mjpeg' ? 30 : null, signal: never };
      const decoded = await decodeAll(decode(chunksOf(clip), options));
      expect(decoded.error).toBeNull();
      expect(decoded.truncated).toBe(false);
      expect(decoded.warnings).toBe(0);
      expect(decoded.formats).toHaveLength(1);
      expect(decoded.formats[0]).toMatchObject({
        fromFrameIndex: 0,
        display: { width: 320, height: 180 },
        analysis: { width: 320, height: 180 },
        frameRate: 30,
      });
      expect(decoded.frames.map((frame) => frame.index)).toEqual(
        Array.from({ length: 20 }, (_x, i) => i),
      );
      const synthetic = raw.includes(container);
      expect(decoded.frames.every((frame) => frame.timestampSynthetic === synthetic)).toBe(true);
      const counted = Array.from({ length: 20 }, (_x, i) => Math.round((i * 1e6) / 30));
      expect(decoded.timesUs).toEqual(synthetic ? counted : await probeTimesUs(clip));
    },
  );

  test('the pixels are those of a plain decode, cropped out of the canvas', async () => {
    const clip = await makeClip({
      encode: encoders.h264Reordered,
      extension: 'mp4',
      size: '636x358',
    });
    const decode = createDecoder({ ffmpeg: binary });
    const options = { container: 'mp4', frameRate: null, signal: never } as const;
    const decoded = await decodeAll(decode(chunksOf(clip), options), { keepPixels: true });
    expect(decoded.frames[0]?.analysis).toEqual({ width: 512, height: 288 });
    const scale = ['-vf', 'scale=512:288:flags=area', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-'];
    const plain = await ffmpeg(['-i', clip, ...scale]);
    expect(plain.length).toBe(20 * 512 * 288 * 1.5);
    // The two builds may round differently in the scaler: a frame out of place differs by far more.
    for (const [index, pixels] of decoded.pixels.entries()) {
      const expected = plain.subarray(index * pixels.length, (index + 1) * pixels.length);
      expect(meanDifference(pixels, expected)).toBeLessThan(0.5);
    }
    const shifted = plain.subarray(0, decoded.pixels[0]?.length);
    expect(meanDifference(decoded.pixels[5] ?? shifted, shifted)).toBeGreaterThan(0.6);
  });
});

test('variable rate keeps each time to the tick', async () => {
  const filter = "setpts='N*N*777'";
  const encode = `${encoders.h264Reordered} -vsync passthrough -enc_time_base 1/90000 -movflags +faststart`;
  const clip = await makeClip({ encode, extension: 'mp4', filter: `settb=1/90000,${filter}` });
  const decode = createDecoder({ ffmpeg: systemFfmpeg });
  const options = { container: 'mp4', frameRate: null, signal: never } as const;
  const { timesUs } = await decodeAll(decode(chunksOf(clip), options));
  expect(timesUs).toEqual(
    Array.from({ length: 20 }, (_x, n) => Math.round((n * n * 777 * 1e6) / 90_000)),
  );
});

test('chunks of a single byte decode alike', async () => {
  const clip = await makeClip({
    encode: encoders.h264,
    extension: 'h264',
    frames: 5,
    size: '64x48',
  });
  const decode = createDecoder({ ffmpeg: systemFfmpeg });
  const options = { container: 'h264-annex-b', frameRate: null, signal: never } as const;
  expect((await decodeAll(decode(chunksOf(clip, 1), options))).timesUs).toHaveLength(5);
});

test('a picture is never enlarged, and an odd one loses its last line', async () => {
  const clip = await makeClip({
    encode: encoders.mjpeg,
    extension: 'avi',
    frames: 2,
    filter: 'scale=97:61,setsar=1',
  });
  const decode = createDecoder({ ffmpeg: systemFfmpeg });
  const decoded = await decodeAll(
    decode(chunksOf(clip), { container: 'avi', frameRate: null, signal: never }),
  );
  expect(decoded.formats[0]?.display).toEqual({ width: 97, height: 61 });
  expect(decoded.formats[0]?.analysis).toEqual({ width: 96, height: 60 });
});

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return sum / a.length;
}
