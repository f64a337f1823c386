import type { Container } from '../frame/container.ts';
import { SegmentationError } from '../frame/errors.ts';
import { detectContainer } from './detect-container.ts';
import type { StreamFormat } from './stream-format.ts';

/** Bytes that show what a file is, but for a transport stream. */
const signatureBytes = 12;

/** Five packets of the longest kind. */
const transportBytes = 5 * 204;

const syncByte = 0x47;

/** Containers whose bytes a parser of raw streams finds pictures in. */
const packed: ReadonlySet<string> = new Set<Container>([
  'mp4',
  'matroska',
  'webm',
  'ivf',
  'avi',
  'flv',
  'mpeg-ts',
]);

/** There are enough first bytes for {@link checkRaw}: few, so that live video need not wait. */
export function showsRaw(firstBytes: Uint8Array): boolean {
  if (firstBytes.length < signatureBytes) return false;
  const mayBePackets = firstBytes[0] === syncByte || firstBytes[4] === syncByte;
  return !mayBePackets || firstBytes.length >= transportBytes;
}

/**
 * Refuses a container that was declared as a raw stream: libavformat looks for start codes and pictures
 * wherever they are, and would decode the packets of a transport stream, or some pictures of an AVI, as
 * if they had been sent alone, without their times and with damage.
 *
 * Throws `undecodable-video`.
 */
export function checkRaw(firstBytes: Uint8Array, format: StreamFormat): void {
  const found = detectContainer(firstBytes);
  if (found === null || !packed.has(found)) return;
  throw new SegmentationError(
    'undecodable-video',
    `expected ${format} video, got ${found}: declare the container that is sent`,
  );
}
