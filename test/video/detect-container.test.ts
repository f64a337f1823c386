import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { detectContainer, detectionBytes, foreignFormat } from '../../src/video/index.ts';
import { noiseBytes } from '../fixtures/noise-bytes.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';

const fragmented = '-movflags frag_keyframe+empty_moov';

test.each([
  ['h264', encoders.h264, 'h264-annex-b'],
  ['hevc', encoders.hevc, 'hevc-annex-b'],
  ['ts', encoders.h264, 'mpeg-ts'],
  ['mp4', encoders.h264, 'mp4'],
  ['mp4', `${encoders.h264} ${fragmented}`, 'mp4'],
  ['mov', encoders.h264, 'mp4'],
  ['mkv', encoders.h264, 'matroska'],
  ['webm', encoders.vp8, 'webm'],
  ['ivf', encoders.vp9, 'ivf'],
  ['mjpeg', encoders.mjpeg, 'mjpeg'],
  ['avi', encoders.mjpeg, 'avi'],
  ['flv', encoders.h264, 'flv'],
  ['m1v', encoders.mpeg1, 'mpeg-video'],
  ['m2v', encoders.mpeg2, 'mpeg-video'],
  ['jpg', '-frames:v 1', 'image'],
  ['png', '-frames:v 1', 'image'],
  ['webp', '-frames:v 1 -c:v libwebp', 'image'],
])('a .%s file is told by its first bytes (%s)', async (extension, encode, expected) => {
  const frames = expected === 'image' ? 1 : 5;
  const bytes = await readFile(await makeClip({ encode, extension, frames }));
  const found = detectContainer(bytes.subarray(0, detectionBytes));
  // Whether another picture follows a JPEG, only its caller can know.
  expect(found === 'more' ? 'image' : found).toBe(expected);
});

test.each([
  ['AVCHD', 'm2ts', `${encoders.h264} -mpegts_m2ts_mode 1`, 'mpeg-ts'],
  ['a transport stream', 'ts', encoders.h264, 'mpeg-ts'],
  ['H.264', 'h264', encoders.h264, 'h264-annex-b'],
  ['HEVC', 'hevc', `${encoders.hevc}:aud=1`, 'hevc-annex-b'],
  ['HEVC without delimiters', 'hevc', `${encoders.hevc}:keyint=5`, 'hevc-annex-b'],
  ['MPEG-2', 'm2v', `${encoders.mpeg2} -g 3`, 'mpeg-video'],
])('%s is told from the middle, too', async (_, extension, encode, expected) => {
  const bytes = await readFile(await makeClip({ encode, extension, frames: 20 }));
  expect(detectContainer(bytes)).toBe(expected);
  for (const share of [0.11, 0.23, 0.47]) {
    const from = Math.floor(bytes.length * share);
    expect(detectContainer(bytes.subarray(from, from + detectionBytes))).toBe(expected);
  }
});

test.each([
  ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0'],
  ['AVIF', '\0\0\0\x18ftypavif\0\0\0\0'],
  ['GIF', 'GIF89a'],
  ['TIFF', 'II*\0'],
  ['BMP', 'BM\x36\x10\x0e\0\0\0\0\0'],
  ['MPEG program stream', '\0\0\x01\xba'],
  ['Windows Media', '\x30\x26\xb2\x75\x8e\x66\xcf\x11'],
])('%s is known by name and not taken', (name, beginning) => {
  const bytes = Buffer.concat([Buffer.from(beginning, 'latin1'), Buffer.alloc(100)]);
  expect(detectContainer(bytes)).toBeNull();
  expect(foreignFormat(bytes)?.name).toContain(name);
});

test('anything else is nothing', () => {
  expect(detectContainer(new Uint8Array(0))).toBeNull();
  expect(detectContainer(Buffer.from('hello, this is text'))).toBeNull();
  expect(detectContainer(Buffer.from('RIFF....WAVE'))).toBeNull();
  expect(detectContainer(new Uint8Array(4096))).toBeNull();
  const noise = noiseBytes(4096);
  noise[0] = 0x12;
  expect(detectContainer(noise)).toBeNull();
});
