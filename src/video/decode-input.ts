import { randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SegmentationError } from '../frame/errors.ts';
import { shortageOf } from '../frame/shortage.ts';
import type { ChunkSource } from './chunk-source.ts';
import { readMp4Box, watchEnd } from './headers/container-elements.ts';
import type { EndWatch } from './headers/container-elements.ts';
import { ElementWalker } from './headers/element-walker.ts';
import { headerFrameRate } from './headers/frame-rate.ts';
import { isRaw } from './stream-format.ts';
import type { StreamFormat } from './stream-format.ts';

/** How ffmpeg gets the bytes, told from the first of them. */
export type DecodeInput = {
  /** Spooled bytes, to be closed by the caller; null where they go through the pipe. */
  readonly file: FileHandle | null;
  /** Frames a second, where a container without timing needs it. */
  readonly frameRate: number | null;
  /** Sees each byte on its way to ffmpeg. */
  readonly end: EndWatch;
};

/** Bytes that may pass before an MP4 shows its order or a raw stream its headers. */
const maxHeadBytes = 256 * 1024;

/**
 * Looks at the head of a stream, which stays in `source`. Throws `empty-stream`, `invalid-config`
 * where a frame rate is needed and not known, `spool-too-large`.
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
  if (options.format === 'mp4') return openMp4(source, options.maxSpoolBytes);
  if (isRaw(options.format)) return openRaw(source, options);
  return { file: null, frameRate: null, end: watchEnd(options.format) };
}

async function openRaw(
  source: ChunkSource,
  options: { readonly format: StreamFormat; readonly frameRate: number | null },
): Promise<DecodeInput> {
  const { format } = options;
  const head = await readHead(source, (bytes) => headerFrameRate(format, bytes) !== 'unknown');
  source.unread([head]);
  const found = headerFrameRate(format, head);
  const frameRate = typeof found === 'number' ? found : options.frameRate;
  // Bytes without any header of the format are not video: ffmpeg says so better than this would.
  if (frameRate === null && found === 'absent') {
    throw new SegmentationError(
      'invalid-config',
      `frame_rate is required: this ${format} stream does not say how many frames a second it has`,
    );
  }
  return { file: null, frameRate, end: watchEnd(format) };
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

async function openMp4(source: ChunkSource, maxSpoolBytes: number): Promise<DecodeInput> {
  // Sample tables before the media can be decoded from a pipe; after it, only from a file.
  let order: 'unknown' | 'tables-first' | 'media-first' = 'unknown';
  const walker = new ElementWalker(readMp4Box, (type) => {
    if (order !== 'unknown') return;
    if (type === 'moov' || type === 'moof') order = 'tables-first';
    if (type === 'mdat') order = 'media-first';
  });
  const isUnknown = (): boolean => order === 'unknown';
  const seen: Uint8Array[] = [];
  let seenBytes = 0;
  while (isUnknown() && seenBytes < maxHeadBytes) {
    const chunk = await source.next();
    if (chunk === null) break;
    seen.push(chunk);
    seenBytes += chunk.length;
    walker.push(chunk);
  }
  source.unread(seen);
  const end = watchEnd('mp4');
  const spooled = (order as string) === 'media-first';
  const file = spooled ? await spool(source, end, maxSpoolBytes) : null;
  return { file, frameRate: null, end };
}

/** Writes everything to a temporary file that has no name any more. */
async function spool(
  source: ChunkSource,
  end: EndWatch,
  maxSpoolBytes: number,
): Promise<FileHandle> {
  const file = await openNameless();
  try {
    let length = 0;
    for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) {
      if (length + chunk.length > maxSpoolBytes) {
        throw new SegmentationError(
          'spool-too-large',
          `this MP4 has its index at its end and is held until then: expected at most ${maxSpoolBytes} bytes, got more; send it fragmented or with the index first (faststart)`,
        );
      }
      end.push(chunk);
      // At a position: the descriptor's own offset stays at 0 for ffmpeg.
      for (let done = 0; done < chunk.length;) {
        const rest = chunk.length - done;
        done += (await file.write(chunk, done, rest, length + done)).bytesWritten;
      }
      length += chunk.length;
    }
    return file;
  } catch (error) {
    await file.close().catch(() => undefined);
    throw shortageOf(error) ?? error;
  }
}

/** A temporary file that has no name any more. Whatever keeps it from being made is a shortage. */
async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `maskstream-${randomUUID()}`);
  try {
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  } catch (cause) {
    const message = 'the server has no temporary space for an MP4 with its index at the end';
    throw new SegmentationError('server-exhausted', `${message}; send it fragmented`, { cause });
  }
}
