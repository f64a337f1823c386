import type { FileHandle } from 'node:fs/promises';
import { SegmentationError } from '../frame/errors.ts';
import { checkRaw, showsRaw } from './check-raw.ts';
import type { ChunkSource } from './chunk-source.ts';
import { watchEnd } from './headers/container-elements.ts';
import type { EndWatch } from './headers/container-elements.ts';
import { headerFrameRate } from './headers/frame-rate.ts';
import { openMp4 } from './mp4/open.ts';
import { isRaw } from './stream-format.ts';
import type { StreamFormat } from './stream-format.ts';

/** How ffmpeg gets the bytes, told from the first of them. */
export type DecodeInput = {
  readonly format: StreamFormat;
  /** Spooled bytes, to be closed by the caller; null where they go through the pipe. */
  readonly file: FileHandle | null;
  /** Frames a second, where a container without timing needs it. */
  readonly frameRate: number | null;
  /** Filters that turn pictures upright; null where ffmpeg is to look for itself. */
  readonly uprightFilters: readonly string[] | null;
  /** Sees each byte on its way to ffmpeg. */
  readonly end: EndWatch;
};

/** Bytes that may pass before a raw stream shows its headers. */
const maxHeadBytes = 256 * 1024;

/**
 * Looks at the head of a stream, which stays in `source`. Throws `empty-stream`, `invalid-config`
 * where a frame rate is needed and not known, and what {@link openMp4} and {@link checkRaw} throw.
 */
export async function openInput(
  source: ChunkSource,
  options: {
    readonly format: StreamFormat;
    readonly frameRate: number | null;
    readonly maxSpoolBytes: number;
  },
): Promise<DecodeInput> {
  const first = await source.next();
  if (first === null) {
    throw new SegmentationError('empty-stream', `expected ${options.format} video, got 0 bytes`);
  }
  source.unread([first]);
  const plain = { format: options.format, file: null, uprightFilters: null, frameRate: null };
  if (options.format === 'mp4') {
    return { ...plain, ...(await openMp4(source, options.maxSpoolBytes)) };
  }
  const end = watchEnd(options.format);
  if (!isRaw(options.format)) return { ...plain, end };
  const head = await readHead(source, showsRaw);
  source.unread([head]);
  checkRaw(head, options.format);
  return { ...plain, end, frameRate: await rawFrameRate(source, options) };
}

async function rawFrameRate(
  source: ChunkSource,
  options: { readonly format: StreamFormat; readonly frameRate: number | null },
): Promise<number | null> {
  const { format } = options;
  // Headers may lie; whoever states a rate knows better.
  if (options.frameRate !== null) return options.frameRate;
  const head = await readHead(source, (bytes) => headerFrameRate(format, bytes) !== 'unknown');
  source.unread([head]);
  const found = headerFrameRate(format, head);
  const frameRate = typeof found === 'number' ? found : null;
  // Bytes without any header of the format are not video: ffmpeg says so better than this would.
  if (frameRate === null && found === 'absent') {
    throw new SegmentationError(
      'invalid-config',
      `frame_rate is required: this ${format} stream does not say how many frames a second it has`,
    );
  }
  return frameRate;
}

/** Joins chunks from the start until `enough`, the end, or the limit. */
async function readHead(
  source: ChunkSource,
  enough: (head: Uint8Array) => boolean,
): Promise<Uint8Array> {
  const head = new Uint8Array(maxHeadBytes);
  let length = 0;
  let checked = 0;
  for (;;) {
    const chunk = await source.next();
    if (chunk === null) return head.slice(0, length);
    if (length + chunk.length > maxHeadBytes) {
      return new Uint8Array(Buffer.concat([head.subarray(0, length), chunk]));
    }
    head.set(chunk, length);
    length += chunk.length;
    // Not after every byte of a sender that cuts finely: each look starts from the beginning.
    if (chunk.length < 1024 && length < checked * 1.25) continue;
    checked = length;
    if (enough(head.subarray(0, length))) return head.slice(0, length);
  }
}
