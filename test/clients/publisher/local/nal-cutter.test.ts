import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NalCutter } from '../../../../clients/publisher/local/nal-cutter.ts';
import { h264, hevc, type NalCodec } from '../../../../clients/publisher/rtp/nal-codecs.ts';
import { encoders, makeClip } from '../../../fixtures/encoded-clips.ts';

const clips = [
  { name: 'H.264', codec: h264, encode: `${encoders.h264} -g 5`, extension: 'h264' },
  {
    name: 'H.264 of several slices',
    codec: h264,
    encode: `${encoders.h264} -g 5 -slices 4`,
    extension: 'h264',
  },
  {
    name: 'H.264 with delimiters',
    codec: h264,
    encode: `${encoders.h264Reordered} -g 5 -bsf:v h264_metadata=aud=insert`,
    extension: 'h264',
  },
  { name: 'H.265', codec: hevc, encode: `${encoders.hevc} -g 5`, extension: 'hevc' },
] as const;

function cut(codec: NalCodec, bytes: Buffer, pieceBytes: number) {
  const cutter = new NalCutter(codec);
  const pictures = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    pictures.push(...cutter.push(bytes.subarray(at, at + pieceBytes)));
  }
  return [...pictures, ...cutter.end()];
}

test.each(clips)('$name is cut into its pictures, in pieces of any size', async (clip) => {
  const bytes = readFileSync(await makeClip({ ...clip, frames: 20 }));
  const whole = cut(clip.codec, bytes, bytes.length);
  expect(whole).toHaveLength(20);
  expect(whole.filter(({ randomAccess }) => randomAccess).length).toBeGreaterThanOrEqual(4);
  expect(whole[0]?.randomAccess).toBe(true);
  for (const size of [1, 3, 1000]) expect(cut(clip.codec, bytes, size)).toEqual(whole);
});

test('a picture leaves when the next one begins', async () => {
  const bytes = readFileSync(await makeClip({ encode: encoders.h264, extension: 'h264' }));
  const cutter = new NalCutter(h264);
  expect(cutter.push(bytes)).toHaveLength(19);
  expect(cutter.end()).toHaveLength(1);
});

test('what comes before the first random access point is left out', async () => {
  const clip = { encode: `${encoders.h264} -g 5`, extension: 'h264' };
  const bytes = readFileSync(await makeClip(clip));
  const first = cut(h264, bytes, bytes.length)[0]!;
  const joined = bytes.subarray(first.bytes.length);
  const pictures = cut(h264, joined, 4096);
  expect(pictures).toHaveLength(15);
  expect(pictures[0]?.randomAccess).toBe(true);
});
