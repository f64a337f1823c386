import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { SegmentationError } from '../../src/frame/errors.ts';
import { createImageDecoder, decodeImage, uprightJpeg } from '../../src/video/index.ts';
import {
  bundledFfmpeg,
  chunksOf,
  decodeAll,
  expectNothingLeft,
  ffmpeg,
  makeClip,
  never,
  systemFfmpeg,
  temporaryPath,
} from '../fixtures/encoded-clips.ts';

expectNothingLeft();

/** Four quarters of grey: 40 80 / 120 200, so that all orientations differ. */
const quarters = "format=gray,geq=lum='if(lt(Y,H/2),if(lt(X,W/2),40,80),if(lt(X,W/2),120,200))'";

async function picture(
  extension: string,
  encode = '-frames:v 1',
  size = '320x180',
): Promise<Buffer> {
  return readFile(await makeClip({ encode, extension, size, frames: 1, filter: quarters }));
}

/** Luma at the middle of the four quarters, row by row, to the nearest ten. */
async function quartersOf(
  bytes: Uint8Array,
  binary = systemFfmpeg,
): Promise<{ readonly display: string; readonly luma: number[] }> {
  const { frame, display } = await decodeImage(bytes, { ffmpeg: binary, signal: never });
  const { width, height } = frame.analysis;
  const luma = [0.25, 0.75].flatMap((y) =>
    [0.25, 0.75].map((x) => {
      const index = Math.floor(y * height) * width + Math.floor(x * width);
      return Math.round((frame.data[index] ?? 0) / 10) * 10;
    }),
  );
  frame.close();
  return { display: `${display.width}x${display.height}`, luma };
}

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('with %s', (_, binary) => {
  test.each([
    ['PNG', 'png', '-pix_fmt rgb24'],
    ['WebP', 'webp', '-c:v libwebp -lossless 1'],
    ['lossy WebP', 'webp', '-c:v libwebp -q:v 95'],
    ['JPEG', 'jpg', '-q:v 1'],
  ])('a %s comes upright in limited range', async (_name, extension, encode) => {
    const found = await quartersOf(await picture(extension, encode), binary);
    expect(found.display).toBe('320x180');
    // 40, 80, 120, 200 of full range are 50, 85, 119, 188 of limited range.
    const expected = [50, 80, 120, 190];
    for (const [i, luma] of found.luma.entries()) {
      expect(Math.abs(luma - (expected[i] ?? 0))).toBeLessThanOrEqual(10);
    }
  });
});

// Where the quarters 1 2 / 3 4 go, per orientation of EXIF.
test.each([
  [1, '320x180', [1, 2, 3, 4]],
  [2, '320x180', [2, 1, 4, 3]],
  [3, '320x180', [4, 3, 2, 1]],
  [4, '320x180', [3, 4, 1, 2]],
  [5, '180x320', [1, 3, 2, 4]],
  [6, '180x320', [3, 1, 4, 2]],
  [7, '180x320', [4, 2, 3, 1]],
  [8, '180x320', [2, 4, 1, 3]],
])('orientation %i is applied', async (orientation, display, order) => {
  const flat = await picture('jpg', '-q:v 1');
  const upright = (await quartersOf(flat)).luma;
  const found = await quartersOf(withOrientation(flat, orientation));
  expect(found.display).toBe(display);
  expect(found.luma).toEqual(order.map((quarter) => upright[quarter - 1]));
});

test('orientation is applied to PNG and WebP as well', async () => {
  const png = await picture('png', '-pix_fmt rgb24');
  const exif = Buffer.concat([Buffer.alloc(4), Buffer.from('eXIf'), tiff(6), Buffer.alloc(4)]);
  exif.writeUInt32BE(tiff(6).length, 0);
  // After the header chunk, 33 bytes in; its checksum is not looked at.
  const turned = Buffer.concat([png.subarray(0, 33), exif, png.subarray(33)]);
  expect((await quartersOf(turned)).display).toBe('180x320');
  const webp = await picture('webp', '-c:v libwebp -lossless 1');
  const chunk = Buffer.concat([Buffer.from('EXIF'), Buffer.alloc(4), tiff(6)]);
  chunk.writeUInt32LE(tiff(6).length, 4);
  const whole = Buffer.concat([webp, chunk]);
  whole.writeUInt32LE(whole.length - 8, 4);
  expect((await quartersOf(whole)).display).toBe('180x320');
});

test('a large picture is scaled down and keeps its display size', async () => {
  const path = temporaryPath('large.png');
  await ffmpeg(['-f', 'lavfi', '-i', 'color=c=gray:s=5000x3000', '-frames:v', '1', path]);
  const { frame, display } = await decodeImage(await readFile(path), {
    ffmpeg: systemFfmpeg,
    signal: never,
  });
  expect(display).toEqual({ width: 5000, height: 3000 });
  expect(frame.analysis).toEqual({ width: 512, height: 308 });
  frame.close();
});

test('a picture beyond the limit is too large', async () => {
  const png = await picture('png', '-pix_fmt rgb24');
  // The header claims what the data does not hold.
  png.writeUInt32BE(16_000, 16);
  png.writeUInt32BE(9_000, 20);
  const decoding = decodeImage(png, { ffmpeg: systemFfmpeg, signal: never });
  await expect(decoding).rejects.toMatchObject({ code: 'frame-too-large' });
});

test.each([
  ['text', Buffer.from('this is not an image at all')],
  [
    'a JPEG header and noise',
    Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(5000, 7)]),
  ],
  ['a PNG header and nothing', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
])('%s is an undecodable image', async (_, bytes) => {
  const decoding = decodeImage(bytes, { ffmpeg: systemFfmpeg, signal: never });
  await expect(decoding).rejects.toBeInstanceOf(SegmentationError);
  await expect(decoding).rejects.toMatchObject({ code: 'undecodable-image' });
});

test.each([
  ['half of it', 0.5],
  ['all but a few rows', 0.95],
])('a JPEG of which only %s is there is refused', async (_, share) => {
  const bytes = await picture('jpg', '-q:v 1');
  for (const binary of [systemFfmpeg, bundledFfmpeg]) {
    const cut = bytes.subarray(0, Math.floor(bytes.length * share));
    const decoding = decodeImage(cut, { ffmpeg: binary, signal: never });
    await expect(decoding).rejects.toMatchObject({ code: 'undecodable-image' });
  }
});

test('a JPEG that lacks its end marker alone is whole', async () => {
  const bytes = await picture('jpg', '-q:v 1');
  expect(await quartersOf(bytes.subarray(0, -2))).toEqual(await quartersOf(bytes));
});

test.each([
  ['APNG', 'apng', '-f apng -plays 0'],
  ['WebP', 'webp', '-c:v libwebp_anim'],
])('an animated %s is refused', async (_, extension, encode) => {
  const bytes = await readFile(await makeClip({ encode, extension, frames: 3 }));
  const decoding = decodeImage(bytes, { ffmpeg: systemFfmpeg, signal: never });
  await expect(decoding).rejects.toThrow('got an animation');
});

test('a picture becomes an upright JPEG of its size, and a plain JPEG stays as it is', async () => {
  const options = { ffmpeg: () => Promise.resolve(systemFfmpeg), signal: never };
  const flat = await picture('jpg', '-q:v 1 -s 321x181 -aspect 321:181');
  const behind = Buffer.concat([flat, Buffer.from('and more')]);
  expect(flat.equals(await uprightJpeg(behind, options))).toBe(true);
  const turned = await quartersOf(await uprightJpeg(withOrientation(flat, 6), options));
  expect(turned).toEqual(await quartersOf(withOrientation(flat, 6)));
  expect(turned.display).toBe('181x321');
  const png = await picture('png', '-pix_fmt rgb24 -s 321x181 -aspect 321:181');
  expect((await quartersOf(await uprightJpeg(png, options))).display).toBe('321x181');
  await expect(uprightJpeg(flat.subarray(0, flat.length / 2), options)).rejects.toThrow(
    'ends early',
  );
});

test('the image decoder looks like a decoder of streams', async () => {
  const bytes = await picture('jpg', '-q:v 1');
  const decode = createImageDecoder({ ffmpeg: systemFfmpeg });
  const options = { container: 'mjpeg', frameRate: null, signal: never } as const;
  const decoded = await decodeAll(decode(chunksOf(bytes, 1000), options));
  expect(decoded.error).toBeNull();
  expect(decoded.formats).toEqual([
    {
      fromFrameIndex: 0,
      display: { width: 320, height: 180 },
      analysis: { width: 320, height: 180 },
      frameRate: null,
      codec: 'jpeg',
    },
  ]);
  expect(decoded.timesUs).toEqual([0]);
  const nothing = await decodeAll(decode(chunksOf(new Uint8Array(0)), options));
  expect(nothing.error).toMatchObject({ code: 'empty-stream' });
});

/** A big-endian TIFF header with one entry. */
function tiff(orientation: number): Buffer {
  const entry = `0112000300000001000${orientation}0000`;
  return Buffer.from(`4d4d002a000000080001${entry}00000000`, 'hex');
}

function withOrientation(jpeg: Buffer, orientation: number): Buffer {
  const body = Buffer.concat([Buffer.from('Exif\0\0'), tiff(orientation)]);
  const header = Buffer.from([0xff, 0xe1, 0, body.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), header, body, jpeg.subarray(2)]);
}
