import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Container } from '../../../src/frame/container.ts';
import { watchEnd } from '../../../src/video/headers/container-elements.ts';
import { encoders, makeClip } from '../../fixtures/encoded-clips.ts';

/** Whether these bytes end within an element, pushed in pieces of this size. */
function unfinished(container: Container, bytes: Uint8Array, pieceBytes = bytes.length): boolean {
  const watch = watchEnd(container);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    watch.push(bytes.subarray(at, at + pieceBytes));
  }
  return watch.unfinished;
}

const vp8 = '-c:v libvpx -deadline realtime -cpu-used 8';
const walked = [
  ['mp4', `${encoders.h264} -movflags frag_keyframe+empty_moov`, 'mp4'],
  ['mp4', encoders.h264, 'mp4'],
  ['matroska', encoders.h264, 'mkv'],
  ['webm', vp8, 'webm'],
  ['ivf', vp8, 'ivf'],
  ['flv', encoders.h264, 'flv'],
  ['avi', encoders.mjpeg, 'avi'],
  ['mpeg-ts', encoders.h264, 'ts'],
] as const;

describe.each(walked)('%s (%s)', (container, encode, extension) => {
  test('that ffmpeg wrote to its end is finished, in pieces of any size', async () => {
    const bytes = await readFile(await makeClip({ encode, extension, frames: 12 }));
    for (const pieceBytes of [1, 7, 188, 4096, bytes.length]) {
      expect(unfinished(container, bytes, pieceBytes)).toBe(false);
    }
  });

  test('that lost its last byte, or its second half, is not', async () => {
    const bytes = await readFile(await makeClip({ encode, extension, frames: 12 }));
    expect(unfinished(container, bytes.subarray(0, -1))).toBe(true);
    // One byte more or less: at most one of the two can be the end of an element.
    const half = bytes.length >> 1;
    const cuts = [half, half + 1].map((end) => unfinished(container, bytes.subarray(0, end)));
    expect(cuts).toContain(true);
  });
});

test('a live Matroska, whose segment and clusters have no size, may end after any block', async () => {
  const encode = `${encoders.h264} -f matroska -live 1`;
  const bytes = await readFile(await makeClip({ encode, extension: 'mkv', frames: 12 }));
  expect(unfinished('matroska', bytes)).toBe(false);
  expect(unfinished('matroska', bytes.subarray(0, -1))).toBe(true);
});

test.each(['h264-annex-b', 'hevc-annex-b', 'mjpeg', 'mpeg-video'] as const)(
  'raw %s may end anywhere',
  (container) => {
    expect(unfinished(container, Uint8Array.of(0, 0, 1))).toBe(false);
  },
);

test('a transport stream that lost its step says nothing of its end', () => {
  const packet = new Uint8Array(188);
  packet[0] = 0x47;
  const bytes = Buffer.concat([packet, new Uint8Array(50), packet]);
  expect(unfinished('mpeg-ts', bytes)).toBe(false);
  expect(unfinished('mpeg-ts', bytes.subarray(0, 100))).toBe(true);
});

test('a box of 64-bit size is followed over its whole length', () => {
  const header = Buffer.from('00000001 6d646174 0000000000000014'.replaceAll(' ', ''), 'hex');
  expect(unfinished('mp4', Buffer.concat([header, new Uint8Array(4)]))).toBe(false);
  expect(unfinished('mp4', Buffer.concat([header, new Uint8Array(3)]))).toBe(true);
  expect(unfinished('mp4', header.subarray(0, 12))).toBe(true);
});

test('a box that runs to the end of the stream may end anywhere', () => {
  expect(unfinished('mp4', Buffer.from('000000006d64617401', 'hex'))).toBe(false);
});
