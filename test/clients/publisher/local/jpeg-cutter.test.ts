import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { JpegCutter } from '../../../../clients/publisher/local/jpeg-cutter.ts';
import { encoders, makeClip } from '../../../fixtures/encoded-clips.ts';

const clip = { encode: encoders.mjpeg, extension: 'mjpeg', frames: 12 };

test('MJPEG is cut into its pictures, in pieces of any size', async () => {
  const bytes = readFileSync(await makeClip(clip));
  for (const size of [1, 7, 1000, bytes.length]) {
    const cutter = new JpegCutter();
    const pictures = [];
    for (let at = 0; at < bytes.length; at += size) {
      pictures.push(...cutter.push(bytes.subarray(at, at + size)));
    }
    expect(pictures).toHaveLength(12);
    expect(Buffer.concat(pictures.map((picture) => picture.bytes)).equals(bytes)).toBe(true);
  }
});

test('a picture is whole with its last byte, and what lies between is left out', async () => {
  const bytes = readFileSync(await makeClip(clip));
  const end = bytes.indexOf(Buffer.from([0xff, 0xd9])) + 2;
  const first = bytes.subarray(0, end);
  const cutter = new JpegCutter();
  expect(cutter.push(first.subarray(0, -1))).toEqual([]);
  expect(cutter.push(first.subarray(-1))).toEqual([{ bytes: first, randomAccess: true }]);
  const [next] = cutter.push(Buffer.concat([Buffer.from('\r\n--boundary\r\n\r\n'), first]));
  expect(next?.bytes.equals(first)).toBe(true);
});

test('a picture that another one begins within is left out', async () => {
  const bytes = readFileSync(await makeClip(clip));
  const first = bytes.subarray(0, bytes.indexOf(Buffer.from([0xff, 0xd9])) + 2);
  const cut = Buffer.concat([first.subarray(0, first.length >> 1), first]);
  expect(new JpegCutter().push(cut)).toEqual([{ bytes: first, randomAccess: true }]);
});
