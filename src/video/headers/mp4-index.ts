import { latin1 } from './latin1.ts';
import { findMp4Box, mp4Boxes } from './mp4-boxes.ts';
import type { Mp4Box } from './mp4-boxes.ts';
import { mp4Orientation } from './mp4-matrix.ts';

/** What the index (`moov`) of an MP4 says of the video track that is decoded. */
export type Mp4Video = {
  /** Places are those in the bytes of the index. */
  readonly track: Mp4Box;
  /** Protection scheme such as `cbcs`, `unknown` where none is named; null: not encrypted. */
  readonly encryption: string | null;
  /** As EXIF counts, 1 to 8; null where the display matrix is no quarter turn or mirror image. */
  readonly orientation: number | null;
  /** The table of chunk offsets; null where the media is in fragments. */
  readonly chunks: { readonly box: Mp4Box; readonly offsets: readonly number[] } | null;
};

/** The index of an MP4; `video` is null where it has no track that can be told. */
export type Mp4Index = {
  /** Fragments follow: the index lists nothing. */
  readonly fragmented: boolean;
  readonly video: Mp4Video | null;
};

/** Reads a whole `moov` box (ISO/IEC 14496-12, 8.2), header included. */
export function readMp4Index(moov: Uint8Array): Mp4Index {
  const root = { body: 8, end: moov.length };
  const fragmented = findMp4Box(moov, root, ['mvex']) !== null;
  const tracks = [...mp4Boxes(moov, root)].filter(({ type }) => type === 'trak');
  const chapters = new Set(tracks.flatMap((track) => chapterTracks(moov, track)));
  const track = tracks.find(
    (candidate) => isVideo(moov, candidate) && !chapters.has(trackId(moov, candidate)),
  );
  if (track === undefined) return { fragmented, video: null };
  const video = {
    track,
    encryption: encryptionOf(moov, track),
    orientation: mp4Orientation(moov, {
      movie: findMp4Box(moov, root, ['mvhd']),
      track: findMp4Box(moov, track, ['tkhd']),
    }),
    chunks: readChunkOffsets(moov, track),
  };
  return { fragmented, video };
}

/** The samples can be decoded in the order of the bytes: no chunk lies before the one before it. */
export function chunksAscend({ chunks }: Mp4Video): boolean {
  return chunks === null || chunks.offsets.every((at, i) => i === 0 || at > chunks.offsets[i - 1]!);
}

/** Of QuickTime, too: its handler box begins alike. */
function isVideo(moov: Uint8Array, track: Mp4Box): boolean {
  const handler = findMp4Box(moov, track, ['mdia', 'hdlr']);
  return handler !== null && text(moov, handler.body + 8) === 'vide';
}

function trackId(moov: Uint8Array, track: Mp4Box): number {
  const header = findMp4Box(moov, track, ['tkhd']);
  if (header === null) return 0;
  return number(moov, header.body + (moov[header.body] === 1 ? 20 : 12));
}

/** Tracks that hold this one's chapter pictures or titles. */
function chapterTracks(moov: Uint8Array, track: Mp4Box): number[] {
  const reference = findMp4Box(moov, track, ['tref', 'chap']);
  if (reference === null) return [];
  const ids: number[] = [];
  for (let at = reference.body; at + 4 <= reference.end; at += 4) ids.push(number(moov, at));
  return ids;
}

/** 8.12: the format of an encrypted track is `encv`, its true one is kept in `sinf`. */
function encryptionOf(moov: Uint8Array, track: Mp4Box): string | null {
  const description = findMp4Box(moov, track, ['mdia', 'minf', 'stbl', 'stsd']);
  if (description === null) return null;
  const entries = mp4Boxes(moov, { body: description.body + 8, end: description.end });
  for (const entry of entries) {
    if (entry.type !== 'encv') continue;
    // A visual sample entry has 78 bytes before its boxes (12.1.3).
    const inside = { body: entry.body + 78, end: entry.end };
    const scheme = findMp4Box(moov, inside, ['sinf', 'schm']);
    return scheme === null ? 'unknown' : text(moov, scheme.body + 4);
  }
  return null;
}

function readChunkOffsets(moov: Uint8Array, track: Mp4Box): Mp4Video['chunks'] {
  const table = findMp4Box(moov, track, ['mdia', 'minf', 'stbl']);
  if (table === null) return null;
  for (const box of mp4Boxes(moov, table)) {
    if (box.type !== 'stco' && box.type !== 'co64') continue;
    const wide = box.type === 'co64';
    const view = new DataView(moov.buffer, moov.byteOffset, moov.byteLength);
    const room = Math.floor((box.end - box.body - 8) / (wide ? 8 : 4));
    const count = room < 0 ? 0 : Math.min(number(moov, box.body + 4), room);
    const offsets = Array.from({ length: count }, (_, i) =>
      wide ? Number(view.getBigUint64(box.body + 8 + i * 8)) : view.getUint32(box.body + 8 + i * 4),
    );
    return count === 0 ? null : { box, offsets };
  }
  return null;
}

/** Unsigned 32 bits, big-endian; 0 past the end. */
function number(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}

function text(bytes: Uint8Array, at: number): string {
  return latin1(bytes, at, at + 4);
}
