import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Container } from '../../src/frame/container.ts';
import { readMp4Index } from '../../src/video/headers/mp4-index.ts';
import { readChunkSizes } from '../../src/video/headers/mp4-chunk-sizes.ts';
import { findMp4Box } from '../../src/video/headers/mp4-boxes.ts';
import { createDecoder, readVideoFile } from '../../src/video/index.ts';
import { caseFile, casesPresent } from '../fixtures/shared-cases.ts';
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

/** A server without room to spool: only what can be decoded as it arrives comes out. */
const streaming = createDecoder({ ffmpeg: systemFfmpeg, maxSpoolBytes: 0 });
const spooling = createDecoder({ ffmpeg: systemFfmpeg });
const ffmpegOf = (binary = systemFfmpeg) => ({ ffmpeg: () => Promise.resolve(binary) });

function decodeWith(
  decode: typeof streaming,
  chunks: AsyncIterable<Uint8Array>,
  container: Container = 'mp4',
): Promise<Decoded> {
  return decodeAll(decode(chunks, { container, frameRate: null, signal: never }), {
    keepPixels: true,
  });
}

/** Index last, B-frames, sound between the pictures, turned by a display matrix. */
async function cameraClip(): Promise<string> {
  const flat = await makeClip({ encode: encoders.h264Reordered, extension: 'mp4', frames: 40 });
  const path = temporaryPath('camera.mp4');
  const sound = ['-f', 'lavfi', '-i', 'sine=d=1.4'];
  const streams = '-map 0:v -map 1:a -c:v copy -c:a aac -metadata:s:v rotate=90'.split(' ');
  await ffmpeg(['-i', flat, ...sound, ...streams, path]);
  return path;
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

test('an MP4 with its index at the end is sent index first, its times and turns as they were', async () => {
  const path = await cameraClip();
  const expected = await decodeWith(spooling, chunksOf(path));
  expect(expected.frames).toHaveLength(40);
  const options = { container: 'mp4', ...ffmpegOf() } as const;
  const decoded = await decodeWith(streaming, readVideoFile(path, options));
  expect(decoded.error).toBeNull();
  expect(decoded.timesUs).toEqual(expected.timesUs);
  expect(decoded.formats).toEqual(expected.formats);
  expect(samePixels(decoded, expected)).toBe(true);
  expect([decoded.truncated, decoded.warnings]).toEqual([false, 0]);
});

test('chunks out of order are spooled by the decoder and put in order by the reader', async () => {
  const options = { container: 'mp4', ...ffmpegOf() } as const;
  const ordered = await bytesOf(readVideoFile(await cameraClip(), options));
  const path = temporaryPath('reversed.mp4');
  await writeFile(path, withChunksReversed(ordered));
  const expected = await decodeWith(streaming, chunksOf(ordered));
  const spooled = await decodeWith(spooling, chunksOf(path));
  expect(spooled.timesUs).toEqual(expected.timesUs);
  expect(samePixels(spooled, expected)).toBe(true);
  expect(ordered.equals(await bytesOf(readVideoFile(path, options)))).toBe(true);
});

test('what can be decoded as it arrives is sent byte for byte', async () => {
  for (const flags of ['-movflags frag_keyframe+empty_moov', '-movflags faststart']) {
    const encode = `${encoders.h264} ${flags}`;
    const path = await makeClip({ encode, extension: 'mp4' });
    const sent = await bytesOf(readVideoFile(path, { container: 'mp4', ...ffmpegOf() }));
    expect(sent.equals(await readFile(path))).toBe(true);
  }
});

test('an MP4 that cannot be understood is sent as it is', async () => {
  const bytes = await readFile(await cameraClip());
  const path = temporaryPath('cut.mp4');
  await writeFile(path, bytes.subarray(0, bytes.length - 200));
  const sent = await bytesOf(readVideoFile(path, { container: 'mp4', ...ffmpegOf() }));
  expect(sent.equals(bytes.subarray(0, bytes.length - 200))).toBe(true);
});

test.skipIf(!casesPresent).each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)(
  'a Matroska file with its tracks at the end is put in order by %s',
  async (_, binary) => {
    const path = caseFile('h46/sample_last_cluster.mkv');
    const options = { container: 'matroska', ...ffmpegOf(binary) } as const;
    const decoded = await decodeWith(streaming, readVideoFile(path, options), 'matroska');
    expect([decoded.error, decoded.frames.length]).toEqual([null, 30]);
  },
);

function samePixels(a: Decoded, b: Decoded): boolean {
  return Buffer.concat(a.pixels).equals(Buffer.concat(b.pixels));
}

/** The same video, the last chunk first: valid, and not to be decoded as it arrives. */
function withChunksReversed(mp4: Buffer): Buffer {
  const copy = Buffer.from(mp4);
  const moov = findMp4Box(copy, { body: 0, end: copy.length }, ['moov']);
  if (moov === null) throw new Error('expected an index');
  const index = copy.subarray(moov.start, moov.end);
  const { video } = readMp4Index(index);
  if (video?.chunks == null) throw new Error('expected a table of chunks');
  const { offsets, box } = video.chunks;
  const sizes = readChunkSizes(index, video.track, offsets.length);
  if (sizes === null || offsets.length < 3) throw new Error('expected several chunks');
  let at = offsets[0] ?? 0;
  for (let i = offsets.length - 1; i >= 0; i--) {
    const from = offsets[i] ?? 0;
    mp4.copy(copy, at, from, from + (sizes[i] ?? 0));
    copy.writeUInt32BE(at, moov.start + box.body + 8 + i * 4);
    at += sizes[i] ?? 0;
  }
  return copy;
}
