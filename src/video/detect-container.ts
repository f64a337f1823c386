import type { Container } from '../frame/container.ts';
import type { ImageFormat } from './stream-format.ts';

/** First bytes that {@link detectContainer} likes to see; a few hundred are enough for most files. */
export const detectionBytes = 64 * 1024;

const mp4Boxes: ReadonlySet<string> = new Set([
  'ftyp',
  'styp',
  'moov',
  'moof',
  'mdat',
  'free',
  'skip',
  'wide',
  'sidx',
  'pdin',
]);

/**
 * Tells what a file is from its first bytes; null where it is nothing that can be decoded. For files
 * of the person who asks: the service itself takes the container that a client declares.
 */
export function detectContainer(firstBytes: Uint8Array): Container | 'image' | null {
  const ascii = (from: number, to: number): string => latin1(firstBytes.subarray(from, to));
  if (mp4Boxes.has(ascii(4, 8))) return 'mp4';
  if (ascii(0, 4) === '\x1a\x45\xdf\xa3')
    return ascii(0, 64).includes('webm') ? 'webm' : 'matroska';
  if (ascii(0, 4) === 'DKIF') return 'ivf';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'AVI ') return 'avi';
  if (ascii(0, 3) === 'FLV') return 'flv';
  const image = detectImage(firstBytes);
  if (image === 'jpeg' && hasSecondJpeg(firstBytes)) return 'mjpeg';
  if (image !== null) return 'image';
  if (isTransportStream(firstBytes)) return 'mpeg-ts';
  return detectStartCode(firstBytes);
}

/** Tells the format of a still picture from its first bytes; null where it is none. */
export function detectImage(firstBytes: Uint8Array): ImageFormat | null {
  const head = latin1(firstBytes.subarray(0, 12));
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  return head.startsWith('RIFF') && head.endsWith('WEBP') ? 'webp' : null;
}

/** A few bytes as text, one character each; browsers, which bundle this file, have no Buffer. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Another picture follows the first. Segments are skipped whole: a thumbnail within one is no end. */
function hasSecondJpeg(bytes: Uint8Array): boolean {
  let at = 2;
  while (at + 3 < bytes.length && bytes[at] === 0xff) {
    const isScan = bytes[at + 1] === 0xda;
    at += 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
    if (!isScan) continue;
    // Within a scan 0xff is followed by 0 or a restart marker: the next other marker ends it.
    while (at + 1 < bytes.length && !isMarker(bytes[at], bytes[at + 1])) at++;
    if (bytes[at + 1] !== 0xd9) continue;
    return bytes[at + 2] === 0xff && bytes[at + 3] === 0xd8;
  }
  return false;
}

function isMarker(first: number | undefined, second: number | undefined): boolean {
  return first === 0xff && second !== undefined && second !== 0 && (second & 0xf8) !== 0xd0;
}

function isTransportStream(bytes: Uint8Array): boolean {
  if (bytes.length < 188) return false;
  for (let at = 0; at < Math.min(bytes.length, 188 * 5); at += 188) {
    if (bytes[at] !== 0x47) return false;
  }
  return true;
}

/** H.264, HEVC and MPEG-1/2 all begin with 00 00 01; what follows tells them apart. */
function detectStartCode(bytes: Uint8Array): Container | null {
  const zeros = bytes.findIndex((byte) => byte !== 0);
  if (zeros < 2 || bytes[zeros] !== 1) return null;
  const first = bytes[zeros + 1] ?? 0x80;
  if (first === 0xb3) return 'mpeg-video';
  if (first >= 0x80) return null;
  const hevcType = first >> 1;
  const isHevcHeader = (hevcType >= 32 && hevcType <= 35) || hevcType === 39;
  if (isHevcHeader && bytes[zeros + 2] === 1) return 'hevc-annex-b';
  const h264Type = first & 0x1f;
  return h264Type >= 1 && h264Type <= 9 ? 'h264-annex-b' : null;
}
