import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { detectContainer, detectionBytes } from '../../src/video/index.ts';
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
  expect(detectContainer(bytes.subarray(0, detectionBytes))).toBe(expected);
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
