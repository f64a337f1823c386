import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { headerFrameRate } from '../../../src/video/headers/frame-rate.ts';
import { encoders, makeClip } from '../../fixtures/encoded-clips.ts';

const tall = '-pix_fmt yuv420p10le';
const x264 = '-c:v libx264 -preset veryfast';

test.each([
  ['H.264, 30', 'h264-annex-b', encoders.h264, 'h264', 30],
  ['H.264, 30000/1001', 'h264-annex-b', `${encoders.h264} -r 30000/1001`, 'h264', 30_000 / 1001],
  ['H.264, 4:4:4', 'h264-annex-b', `${x264} -pix_fmt yuv444p`, 'h264', 30],
  ['H.264, 10 bits', 'h264-annex-b', `${x264} ${tall}`, 'h264', 30],
  ['H.264, baseline', 'h264-annex-b', `${x264} -profile:v baseline -pix_fmt yuv420p`, 'h264', 30],
  ['H.264, interlaced', 'h264-annex-b', `${encoders.h264} -flags +ilme+ildct`, 'h264', 30],
  ['H.264, scaling lists', 'h264-annex-b', `${encoders.h264} -x264-params cqm=jvt`, 'h264', 30],
  [
    'H.264, colours',
    'h264-annex-b',
    `${encoders.h264} -color_primaries bt709 -bsf:v h264_metadata=sample_aspect_ratio=33/32`,
    'h264',
    30,
  ],
  ['HEVC, 30', 'hevc-annex-b', encoders.hevc, 'hevc', 30],
  ['HEVC, 24000/1001', 'hevc-annex-b', `${encoders.hevc} -r 24000/1001`, 'hevc', 24_000 / 1001],
  ['HEVC, B-frames', 'hevc-annex-b', `${encoders.hevc}:bframes=4`, 'hevc', 30],
  [
    'HEVC, 10 bits',
    'hevc-annex-b',
    `-c:v libx265 -preset ultrafast -x265-params log-level=error ${tall}`,
    'hevc',
    30,
  ],
  ['HEVC, scaling lists', 'hevc-annex-b', `${encoders.hevc}:scaling-list=default`, 'hevc', 30],
  ['HEVC, layers in time', 'hevc-annex-b', `${encoders.hevc}:temporal-layers=2`, 'hevc', 30],
  ['MPEG-1, 25', 'mpeg-video', `${encoders.mpeg1} -r 25`, 'm1v', 25],
  ['MPEG-2, 30000/1001', 'mpeg-video', `${encoders.mpeg2} -r 30000/1001`, 'm2v', 30_000 / 1001],
] as const)('%s is read from the header', async (...row) => {
  const [, format, encode, extension, rate] = row;
  const bytes = await readFile(await makeClip({ encode, extension, frames: 6 }));
  expect(headerFrameRate(format, bytes)).toBeCloseTo(rate, 6);
  // The first bytes alone say nothing yet, and never something wrong.
  for (let length = 0; length < Math.min(bytes.length, 300); length++) {
    const early = headerFrameRate(format, bytes.subarray(0, length));
    expect(early === 'unknown' ? rate : early).toBeCloseTo(rate, 6);
  }
});

test('H.264 without timing says that it has none', () => {
  // Baseline, level 3, 320 x 192, no VUI: written bit by bit after H.264, 7.3.2.1.1.
  const fields = [
    '01100111 01000010 00000000 00011110 1 1 1 1 010',
    '0 000010100 0001100 1 1 0 0 1',
  ];
  const bits = fields.join('').replaceAll(' ', '');
  const all = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  const unit = all.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [];
  const stream = Uint8Array.from([0, 0, 0, 1, ...unit, 0, 0, 0, 1, 0x68]);
  expect(headerFrameRate('h264-annex-b', stream)).toBe('absent');
});

test('MJPEG never has a rate, and what is no JPEG is left to the decoder', () => {
  expect(headerFrameRate('mjpeg', Uint8Array.of(0xff, 0xd8))).toBe('absent');
  expect(headerFrameRate('mjpeg', Uint8Array.of(1, 2, 3))).toBe('unknown');
});
