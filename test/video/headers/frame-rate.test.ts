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

const untimed = '-c:v libx265 -preset ultrafast -x265-params log-level=error:vui-timing-info=0';

test('HEVC may state its timing in the video parameter set only', async () => {
  const bytes = await readFile(await makeClip({ encode: untimed, extension: 'hevc', frames: 6 }));
  expect(headerFrameRate('hevc-annex-b', bytes)).toBe('absent');
  // One layer, no ordering of its own, layer id 0, one layer set, then 1000 ticks of 15,000.
  const profile = '0'.repeat(96);
  const ordering = '0 1 1 1';
  const timing = `1 ${(1000).toString(2).padStart(32, '0')} ${(15_000).toString(2).padStart(32, '0')}`;
  const fields = `0000 1 1 000000 000 1 ${'1'.repeat(16)} ${profile} ${ordering} 000000 1 ${timing}`;
  const bits = fields.replaceAll(' ', '');
  const payload = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g) ?? [];
  const unit = payload.map((byte) => Number.parseInt(byte, 2));
  const escaped = withEmulationPrevention(unit);
  // In place of the clip's own, which says nothing.
  const rest = bytes.subarray(bytes.indexOf(Buffer.from([0, 0, 0, 1, 0x42])));
  const replaced = Uint8Array.from([0, 0, 0, 1, 0x40, 1, ...escaped, ...rest]);
  expect(headerFrameRate('hevc-annex-b', replaced)).toBe(15);
});

/** Puts 03 between two zeros and a byte up to 3 (HEVC, 7.4.2). */
function withEmulationPrevention(unit: readonly number[]): number[] {
  const out: number[] = [];
  for (const byte of unit) {
    if (byte <= 3 && out.at(-1) === 0 && out.at(-2) === 0) out.push(3);
    out.push(byte);
  }
  return out;
}

test.each([
  [9, 15],
  [10, 5],
  [13, 15],
  [8, 60],
  [0, 'absent'],
  [14, 'absent'],
] as const)('MPEG-1 with frame_rate_code %i has the rate %s', async (code, rate) => {
  const bytes = await readFile(
    await makeClip({ encode: encoders.mpeg1, extension: 'm1v', frames: 3 }),
  );
  bytes[7] = ((bytes[7] ?? 0) & 0xf0) | code;
  expect(headerFrameRate('mpeg-video', bytes)).toBe(rate);
});

test('the extension of MPEG-2 multiplies the rate', async () => {
  const bytes = await readFile(
    await makeClip({ encode: encoders.mpeg2, extension: 'm2v', frames: 3 }),
  );
  const extension = bytes.indexOf(Buffer.from([0, 0, 1, 0xb5]));
  // n = 1, d = 2: two thirds.
  bytes[extension + 9] = ((bytes[extension + 9] ?? 0) & 0x80) | (1 << 5) | 2;
  expect(headerFrameRate('mpeg-video', bytes)).toBe(20);
});
