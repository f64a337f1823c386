import type { FileHandle } from 'node:fs/promises';
import { findMp4Box, mp4Boxes } from '../headers/mp4-boxes.ts';
import type { Mp4Box } from '../headers/mp4-boxes.ts';
import { chunksAscend, readMp4Index } from '../headers/mp4-index.ts';
import type { Mp4Video } from '../headers/mp4-index.ts';
import { readChunkSizes } from '../headers/mp4-chunk-sizes.ts';
import { readAt, readBoxesOfFile } from './file.ts';

/** Bytes that one read takes from the disk. */
const readBytes = 256 * 1024;

/** An index farther behind than this is not waited for by a server that streams. */
const maxStartOfIndex = 128 * 1024;

/**
 * The video of an MP4 on disk in an order that can be decoded while it arrives: its index first, then
 * the chunks of the video track in their order, and nothing else. Times, edit list, display matrix and
 * samples stay as they are, byte for byte; `ffmpeg -c copy` into fragments would move the times of
 * B-frames (measured, docs/decoding.md).
 *
 * Null where the file can be sent as it is, and where it cannot be understood: then the decoder knows
 * better what to say of it.
 */
export async function indexFirstMp4(file: FileHandle): Promise<AsyncIterable<Uint8Array> | null> {
  const boxes = await readBoxesOfFile(file);
  const box = boxes.find(({ type }) => type === 'moov');
  const media = boxes.find(({ type }) => type === 'mdat' || type === 'moof');
  const { size } = await file.stat();
  if (box === undefined || media === undefined || box.end > size) return null;
  const moov = await readAt(file, box.start, box.end - box.start);
  const { fragmented, video } = readMp4Index(moov);
  if (fragmented || video === null || video.chunks === null) return null;
  const streams = box.start < media.start && box.start <= maxStartOfIndex && chunksAscend(video);
  if (streams) return null;
  const sizes = readChunkSizes(moov, video.track, video.chunks.offsets.length);
  if (sizes === null) return null;
  const mediaBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
  // Chunks that overlap, or that lie outside: not a file to be put in order.
  const fits = video.chunks.offsets.every((at, i) => at + sizes[i]! <= size);
  if (!fits || mediaBytes > size) return null;
  const type = boxes.find((one) => one.type === 'ftyp');
  const start =
    type === undefined ? new Uint8Array(0) : await readAt(file, type.start, lengthOf(type));
  const index = relocated(moov, video, { sizes, mediaStart: start.length });
  const header = mediaHeader(mediaBytes);
  return readInOrder(file, [start, index, header], { offsets: video.chunks.offsets, sizes });
}

async function* readInOrder(
  file: FileHandle,
  head: readonly Uint8Array[],
  chunks: { readonly offsets: readonly number[]; readonly sizes: readonly number[] },
): AsyncGenerator<Uint8Array, void, void> {
  for (const bytes of head) if (bytes.length > 0) yield bytes;
  let from = 0;
  let to = 0;
  const run = async function* (): AsyncGenerator<Uint8Array, void, void> {
    for (; from < to; from += readBytes) {
      yield await readAt(file, from, Math.min(readBytes, to - from));
    }
  };
  for (const [i, at] of chunks.offsets.entries()) {
    // Chunks that follow one another are read together.
    if (at !== to) {
      yield* run();
      from = at;
    }
    to = at + chunks.sizes[i]!;
  }
  yield* run();
}

/** The index with the video track alone, whose chunks follow the index one after the other. */
function relocated(
  moov: Uint8Array,
  video: Mp4Video,
  layout: { readonly sizes: readonly number[]; readonly mediaStart: number },
): Uint8Array {
  const kept = [...mp4Boxes(moov, { body: 8, end: moov.length })].filter(
    ({ type, start }) => type !== 'trak' || start === video.track.start,
  );
  const bytes = Buffer.concat([new Uint8Array(8), ...kept.map((box) => part(moov, box))]);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.write('moov', 4, 'latin1');
  const track = findMp4Box(bytes, { body: 8, end: bytes.length }, ['trak']);
  if (track === null) return bytes;
  // References to tracks that are left out.
  const references = findMp4Box(bytes, track, ['tref']);
  if (references !== null) bytes.write('free', references.start + 4, 'latin1');
  const table = video.chunks?.box;
  if (table === undefined) return bytes;
  const entries = track.start + (table.body + 8 - video.track.start);
  let at = layout.mediaStart + bytes.length + mediaHeader(0).length;
  for (const [i, size] of layout.sizes.entries()) {
    if (table.type === 'co64') bytes.writeBigUInt64BE(BigInt(at), entries + i * 8);
    else bytes.writeUInt32BE(at, entries + i * 4);
    at += size;
  }
  return bytes;
}

/** `mdat` with a length of 64 bits. */
function mediaHeader(mediaBytes: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(1, 0);
  header.write('mdat', 4, 'latin1');
  header.writeBigUInt64BE(BigInt(mediaBytes + 16), 8);
  return header;
}

function part(bytes: Uint8Array, { start, end }: Mp4Box): Uint8Array {
  return bytes.subarray(start, end);
}

function lengthOf({ start, end }: Mp4Box): number {
  return end - start;
}
