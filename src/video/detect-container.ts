import type { Container } from '../frame/container.ts';
import { foreignFormat } from './foreign-formats.ts';
import { detectJpegs } from './headers/jpeg-series.ts';
import { latin1 } from './headers/latin1.ts';
import { detectStartCodes } from './headers/start-codes.ts';
import { isTransportStream } from './headers/transport-packets.ts';
import type { ImageFormat } from './stream-format.ts';

/** First bytes that {@link detectContainer} likes to see; a few hundred are enough for most files. */
export const detectionBytes = 64 * 1024;

/** What a file is. `more`: a JPEG that goes on; an image if it ends here. */
export type Detected = Container | 'image' | 'more' | null;

const mp4Boxes: ReadonlySet<string> = new Set([
  'ftyp',
  'styp',
  'moov',
  'moof',
  'mdat',
  'free',
  'skip',
  'wide',
  'junk',
  'uuid',
  'udta',
  'meta',
  'sidx',
  'ssix',
  'prft',
  'emsg',
  'pdin',
  'pnot',
  'PICT',
]);

/**
 * Tells what a file is from its first bytes; null where it is nothing that can be decoded. For files
 * of the person who asks: the service itself takes the container that a client declares.
 */
export function detectContainer(firstBytes: Uint8Array): Detected {
  const ascii = (from: number, to: number): string => latin1(firstBytes, from, to);
  if (foreignFormat(firstBytes) !== null) return null;
  if (mp4Boxes.has(ascii(4, 8))) return 'mp4';
  if (ascii(0, 4) === '\x1a\x45\xdf\xa3')
    return ascii(0, 64).includes('webm') ? 'webm' : 'matroska';
  if (ascii(0, 4) === 'DKIF') return 'ivf';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 11) === 'AVI') return 'avi';
  if (ascii(0, 3) === 'FLV') return 'flv';
  const image = detectImage(firstBytes);
  if (image === 'png' || image === 'webp') return 'image';
  const jpegs = detectJpegs(firstBytes);
  if (jpegs !== null) return jpegs;
  if (isTransportStream(firstBytes)) return 'mpeg-ts';
  return detectStartCodes(firstBytes);
}

/** Tells the format of a still picture from its first bytes; null where it is none. */
export function detectImage(firstBytes: Uint8Array): ImageFormat | null {
  const head = latin1(firstBytes, 0, 12);
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  return head.startsWith('RIFF') && head.endsWith('WEBP') ? 'webp' : null;
}
