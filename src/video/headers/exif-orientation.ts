import { latin1 } from './latin1.ts';
import { walkJpeg } from './jpeg-walk.ts';
import type { ImageFormat } from '../stream-format.ts';

const orientationTag = 0x0112;

/**
 * Orientation of a picture, 1 to 8 as EXIF counts; 1 where it says nothing. ffmpeg reads it from JPEG
 * only, and not in every version, so it is read here for all formats.
 */
export function exifOrientation(bytes: Uint8Array, format: ImageFormat): number {
  const tiff = findTiff(bytes, format);
  return tiff === null ? 1 : readOrientation(tiff);
}

/** ffmpeg filters that bring a picture of this orientation upright. */
export function uprightFilters(orientation: number): string[] {
  switch (orientation) {
    case 2:
      return ['hflip'];
    case 3:
      return ['hflip', 'vflip'];
    case 4:
      return ['vflip'];
    case 5:
      return ['transpose=0'];
    case 6:
      return ['transpose=1'];
    case 7:
      return ['transpose=3'];
    case 8:
      return ['transpose=2'];
    default:
      return [];
  }
}

function findTiff(bytes: Uint8Array, format: ImageFormat): Uint8Array | null {
  switch (format) {
    case 'jpeg':
      return findInJpeg(bytes);
    case 'png':
      return findInChunks(bytes, { start: 8, headerBytes: 8, trailerBytes: 4, type: 'eXIf' });
    case 'webp':
      return findInChunks(bytes, { start: 12, headerBytes: 8, trailerBytes: 0, type: 'EXIF' });
  }
}

/** The APP1 segment that begins with "Exif". */
function findInJpeg(bytes: Uint8Array): Uint8Array | null {
  const { exif } = walkJpeg(bytes);
  return exif === null ? null : bytes.subarray(exif.start, exif.end);
}

/** PNG writes the length first and big-endian, RIFF after the type and little-endian. */
function findInChunks(
  bytes: Uint8Array,
  layout: { start: number; headerBytes: number; trailerBytes: number; type: 'eXIf' | 'EXIF' },
): Uint8Array | null {
  const isPng = layout.type === 'eXIf';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = layout.start; at + layout.headerBytes <= bytes.length;) {
    const length = isPng ? view.getUint32(at) : view.getUint32(at + 4, true);
    const type = isPng ? latin1(bytes, at + 4, at + 8) : latin1(bytes, at, at + 4);
    const body = at + layout.headerBytes;
    if (type === layout.type) {
      // Some WebP writers put the prefix of JPEG in front.
      const prefix = latin1(bytes, body, body + 4) === 'Exif' ? 6 : 0;
      return bytes.subarray(body + prefix, body + length);
    }
    at = body + length + (isPng ? 0 : length & 1) + layout.trailerBytes;
  }
  return null;
}

/** First directory of a TIFF header (Exif 2.32, 4.6). */
function readOrientation(tiff: Uint8Array): number {
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = latin1(tiff, 0, 2) === 'II';
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const count = view.getUint16(directory, little);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > tiff.length) return 1;
    if (view.getUint16(entry, little) === orientationTag) return view.getUint16(entry + 8, little);
  }
  return 1;
}
