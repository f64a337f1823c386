import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { detectContainer } from '../../../src/video/detect-container.ts';
import { exifOrientation } from '../../../src/video/headers/exif-orientation.ts';
import { isPairOfJpegs } from '../../../src/video/headers/jpeg-series.ts';
import { walkJpeg } from '../../../src/video/headers/jpeg-walk.ts';
import { makeClip } from '../../fixtures/encoded-clips.ts';

let picture: Buffer;
let other: Buffer;
const encode = '-frames:v 1 -q:v 4';
beforeAll(async () => {
  picture = await readFile(await makeClip({ encode, extension: 'jpg', frames: 1 }));
  const size = '64x48';
  other = await readFile(await makeClip({ encode, extension: 'jpg', frames: 1, size }));
});

const text = (line: string): Buffer => Buffer.from(line);
const boundary = text('\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 900\r\n\r\n');

/** An application segment behind the start marker. */
function withSegment(jpeg: Buffer, marker: number, body: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

describe('a row of JPEGs is MJPEG', () => {
  test.each([
    ['end to end', () => [picture, picture, picture]],
    ['of changing size', () => [picture, other]],
    ['with line ends between', () => [picture, text('\r\n'), picture]],
    ['with HTTP headers between', () => [picture, boundary, picture]],
    ['with HTTP headers in front', () => [boundary.subarray(2), picture, boundary, picture]],
    ['with zeros between', () => [picture, Buffer.alloc(300), picture]],
    ['without end markers', () => [picture.subarray(0, -2), picture.subarray(0, -2)]],
    ['with fill bytes before a scan', () => [withFill(picture), withFill(picture)]],
  ])('%s', (_, parts) => {
    const bytes = Buffer.concat(parts());
    expect(detectContainer(bytes)).toBe('mjpeg');
    // The first picture alone never says something else.
    for (let length = 3; length < picture.length; length += 97) {
      expect(['more', 'mjpeg', null]).toContain(detectContainer(bytes.subarray(0, length)));
    }
  });
});

describe('one picture stays one', () => {
  test.each([
    ['with a gain map that it announces', () => [withMore(picture), other]],
    ['with a second view of its size', () => [withMore(picture), picture]],
    ['with other data and a preview behind it', () => [picture, Buffer.alloc(2000, 7), other]],
    ['with zeros and a preview of another size', () => [picture, Buffer.alloc(2000), other]],
    ['with a video behind it', () => [picture, Buffer.alloc(5000, 0x21)]],
    [
      'with a thumbnail inside',
      () => [withSegment(picture, 0xe1, Buffer.concat([text('Exif\0\0'), other]))],
    ],
  ])('%s', (_, parts) => {
    const bytes = Buffer.concat(parts());
    expect(['image', 'more']).toContain(detectContainer(bytes));
  });

  test('also where its only sign is that nothing follows the second', () => {
    expect(isPairOfJpegs(Buffer.concat([picture, other]))).toBe(true);
    expect(isPairOfJpegs(Buffer.concat([picture, picture, picture]))).toBe(false);
    expect(isPairOfJpegs(picture)).toBe(false);
  });
});

function withMore(jpeg: Buffer): Buffer {
  return withSegment(jpeg, 0xe2, text('MPF\0II*\0'));
}

function withFill(jpeg: Buffer): Buffer {
  const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
  return Buffer.concat([jpeg.subarray(0, scan), Buffer.alloc(5, 0xff), jpeg.subarray(scan)]);
}

test('how a picture ends', () => {
  const { length } = picture;
  expect(walkJpeg(picture)).toMatchObject({ ending: 'whole', end: length });
  expect(walkJpeg(picture).size).toEqual({ width: 320, height: 180 });
  expect(walkJpeg(picture.subarray(0, -2)).ending).toBe('cut');
  expect(walkJpeg(picture.subarray(0, 300)).ending).toBe('cut');
  const two = Buffer.concat([picture.subarray(0, -2), picture]);
  expect(walkJpeg(two)).toMatchObject({ ending: 'next', end: length - 2 });
});

test('Exif is found behind fill bytes', () => {
  const entry = '011200030000000100060000';
  const tiff = Buffer.from(`4d4d002a000000080001${entry}00000000`, 'hex');
  const turned = withSegment(picture, 0xe1, Buffer.concat([text('Exif\0\0'), tiff]));
  const filled = Buffer.concat([turned.subarray(0, 2), Buffer.alloc(3, 0xff), turned.subarray(2)]);
  expect(exifOrientation(filled, 'jpeg')).toBe(6);
});
