import { walkJpeg } from './jpeg-walk.ts';
import type { JpegPicture } from './jpeg-walk.ts';

/** Text between the pictures of an HTTP dump, or before them. */
const maxTextBytes = 1024;

/**
 * Tells one JPEG from a row of them (MJPEG). What follows a photo is not a second frame of a video
 * where the photo says that it has several pictures, or where other bytes than padding or text lie
 * between.
 *
 * @returns `more` where the bytes end before that is known; null where they are no JPEG
 */
export function detectJpegs(bytes: Uint8Array): 'image' | 'mjpeg' | 'more' | null {
  const start = startAfterText(bytes, 0);
  if (start === null) return null;
  // Headers of HTTP in front: pictures that a camera sent one by one.
  if (start > 0) return 'mjpeg';
  const first = walkJpeg(bytes);
  switch (first.ending) {
    case 'cut':
      return 'more';
    case 'next':
      return 'mjpeg';
    case 'whole':
      return first.hasMorePictures ? 'image' : whatFollows(bytes, first);
  }
}

function whatFollows(bytes: Uint8Array, first: JpegPicture): 'image' | 'mjpeg' | 'more' {
  if (startAfterText(bytes, first.end) !== null) return 'mjpeg';
  // Some cameras pad pictures with zeros to a round length; so do photos, before other data.
  const padded = bytes.findIndex((byte, at) => at >= first.end && byte !== 0);
  const rest = bytes.length - first.end;
  if (padded < 0 || rest < maxTextBytes) return 'more';
  if (padded === first.end || !isStart(bytes, padded)) return 'image';
  const second = walkJpeg(bytes, padded);
  if (second.size === null) return second.ending === 'cut' ? 'more' : 'image';
  const isSame =
    second.size.width === first.size?.width && second.size.height === first.size.height;
  return isSame ? 'mjpeg' : 'image';
}

/** Where a picture begins at `from`, or after at most 1 KiB of text; null where none does. */
function startAfterText(bytes: Uint8Array, from: number): number | null {
  for (let at = from; at < from + maxTextBytes && at + 2 < bytes.length; at++) {
    if (isStart(bytes, at)) return at;
    // Fill bytes may stand before any marker.
    const byte = bytes[at] ?? 0;
    const isText = byte === 0x0a || byte === 0x0d || byte === 0x09 || (byte >= 0x20 && byte < 0x7f);
    if (!isText && byte !== 0xff) return null;
  }
  return null;
}

function isStart(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xff && bytes[at + 1] === 0xd8 && bytes[at + 2] === 0xff;
}

/**
 * The bytes are a picture and one other, and nothing else: a photo with its gain map, its second view or
 * its preview, unless someone means two frames of a video.
 *
 * @param bytes all of the file
 */
export function isPairOfJpegs(bytes: Uint8Array): boolean {
  if (!isStart(bytes, 0)) return false;
  const second = startAfterText(bytes, walkJpeg(bytes).end);
  if (second === null) return false;
  return startAfterText(bytes, walkJpeg(bytes, second).end) === null;
}
