import type { Mp4Box } from './mp4-boxes.ts';

/** a, b, c, d of x' = a x + c y, y' = b x + d y. */
type Turn = readonly [a: number, b: number, c: number, d: number];

const identity: Turn = [1, 0, 0, 1];

/**
 * How a track is shown, as EXIF counts orientations; null where its matrix is none of the eight.
 * The movie's matrix applies after the track's (ISO/IEC 14496-12, 8.2.2 and 8.3.2). ffmpeg applies it
 * too, but builds before 4.3 or so take mirror images for turns.
 */
export function mp4Orientation(
  bytes: Uint8Array,
  headers: { readonly movie: Mp4Box | null; readonly track: Mp4Box | null },
): number | null {
  // Both matrices follow times of 32 or 64 bits, and some fields of fixed length.
  const movie = readTurn(bytes, headers.movie, { short: 36, long: 48 });
  const track = readTurn(bytes, headers.track, { short: 40, long: 52 });
  return orientationOf([
    track[0] * movie[0] + track[1] * movie[2],
    track[0] * movie[1] + track[1] * movie[3],
    track[2] * movie[0] + track[3] * movie[2],
    track[2] * movie[1] + track[3] * movie[3],
  ]);
}

function readTurn(
  bytes: Uint8Array,
  header: Mp4Box | null,
  offsets: { readonly short: number; readonly long: number },
): Turn {
  if (header === null) return identity;
  const at = header.body + (bytes[header.body] === 1 ? offsets.long : offsets.short);
  if (at + 36 > header.end) return identity;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Each row has two numbers of 16.16 bits and one that is always 0.
  const fixed = (index: number): number => view.getInt32(at + index * 4) / 65_536;
  const turn: Turn = [fixed(0), fixed(1), fixed(3), fixed(4)];
  // Some writers leave it empty.
  return turn.every((value) => value === 0) ? identity : turn;
}

function orientationOf([a, b, c, d]: Turn): number | null {
  if (b === 0 && c === 0) {
    if (a > 0) return d > 0 ? 1 : 4;
    return d > 0 ? 2 : 3;
  }
  if (a === 0 && d === 0) {
    if (b > 0) return c > 0 ? 5 : 6;
    return c > 0 ? 8 : 7;
  }
  return null;
}
