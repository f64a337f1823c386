import { SegmentationError } from '../frame/errors.ts';
import { detectImage } from './detect-container.ts';
import { foreignFormat } from './foreign-formats.ts';
import { isAnimated } from './headers/animation.ts';
import { walkJpeg } from './headers/jpeg-walk.ts';
import type { ImageFormat } from './stream-format.ts';

/** The format of a still image. Throws `undecodable-image` for anything else, animations included. */
export function checkImage(bytes: Uint8Array): ImageFormat {
  const format = detectImage(bytes);
  if (format === null) {
    const begin = Buffer.from(bytes.subarray(0, 4)).toString('hex');
    throw undecodable(`got ${foreignFormat(bytes)?.name ?? `bytes that begin with "${begin}"`}`);
  }
  if (isAnimated(bytes, format)) {
    throw undecodable('got an animation: give its pictures one by one, or a video');
  }
  return format;
}

/**
 * A JPEG that ends early is decoded to its end in grey, with a complaint; one that lacks its end marker
 * alone is whole. A progressive one ends in any scan without one.
 *
 * @param said what ffmpeg said of it
 */
export function isCut(bytes: Uint8Array, said: readonly string[]): boolean {
  if (detectImage(bytes) !== 'jpeg') return false;
  const { ending, progressive } = walkJpeg(bytes);
  return (progressive && ending !== 'whole') || said.some((line) => line.includes('overread'));
}

/** The error for bytes that give no picture. */
export function undecodable(came: string, cause?: unknown): SegmentationError {
  const message = `expected a JPEG, PNG or WebP image, ${came}`;
  return new SegmentationError('undecodable-image', message, { cause });
}
