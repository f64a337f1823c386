import { randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SegmentationError } from '../../frame/errors.ts';
import { shortageOf } from '../../frame/shortage.ts';
import type { ChunkSource } from '../chunk-source.ts';
import { watchEnd } from '../headers/container-elements.ts';
import type { EndWatch } from '../headers/container-elements.ts';
import { uprightFilters } from '../headers/exif-orientation.ts';
import { mp4BoxAt } from '../headers/mp4-boxes.ts';
import type { Mp4Box } from '../headers/mp4-boxes.ts';
import { chunksAscend, readMp4Index } from '../headers/mp4-index.ts';
import type { Mp4Index } from '../headers/mp4-index.ts';
import { readIndexOfFile } from './file.ts';

/** How ffmpeg gets an MP4, told from its index. */
export type OpenMp4 = {
  /** Spooled bytes, to be closed by the caller; null where they go through the pipe. */
  readonly file: FileHandle | null;
  /** Filters that turn the picture upright; null where ffmpeg is to look for itself. */
  readonly uprightFilters: readonly string[] | null;
  readonly end: EndWatch;
};

/** Bytes that may pass before an MP4 shows its index or its media. */
const maxHeadBytes = 256 * 1024;

/** Longest index that is read here: nine hours at 30 frames a second. A longer one is streamed. */
const maxIndexBytes = 16 * 1024 * 1024;

/**
 * Looks at the head of an MP4, which stays in `source`. It is streamed where its index comes first and
 * its media follows in order; else ffmpeg needs a file.
 *
 * Throws `undecodable-video` for an encrypted one, `spool-too-large`.
 */
export async function openMp4(source: ChunkSource, maxSpoolBytes: number): Promise<OpenMp4> {
  const head = new Head(source);
  const index = await head.findIndex();
  source.unread(head.parts);
  const end = watchEnd('mp4');
  if (index.kind === 'read') checkNotEncrypted(index.index);
  if (index.kind !== 'spool' && !(index.kind === 'read' && isOutOfOrder(index.index))) {
    const known = index.kind === 'read' ? index.index : null;
    return { file: null, uprightFilters: filtersOf(known), end };
  }
  const file = await spool(source, end, maxSpoolBytes);
  try {
    const spooled = await readIndexOfFile(file);
    const known = spooled === null ? null : readMp4Index(spooled);
    if (known !== null) checkNotEncrypted(known);
    return { file, uprightFilters: filtersOf(known), end };
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

/** What the first bytes told: `spool` where the media comes first, or nothing can be told. */
type FoundIndex =
  | { readonly kind: 'read'; readonly index: Mp4Index }
  | { readonly kind: 'stream' }
  | { readonly kind: 'spool' };

/** The first bytes of a stream, as many as were asked for. */
class Head {
  readonly #source: ChunkSource;
  #bytes = 0;
  parts: Uint8Array[] = [];

  constructor(source: ChunkSource) {
    this.#source = source;
  }

  async findIndex(): Promise<FoundIndex> {
    for (let at = 0; ;) {
      const box = await this.#boxAt(at);
      if (box === null || box.type === 'mdat') return { kind: 'spool' };
      // Of a stream that is joined late.
      if (box.type === 'moof') return { kind: 'stream' };
      if (box.type === 'moov') {
        const whole = await this.#read(box.end, maxHeadBytes + maxIndexBytes);
        if (!whole) return { kind: 'stream' };
        return { kind: 'read', index: readMp4Index(this.#joined().subarray(at, box.end)) };
      }
      if (box.end <= at) return { kind: 'spool' };
      at = box.end;
    }
  }

  async #boxAt(at: number): Promise<Mp4Box | null> {
    if (!(await this.#read(at + 8, maxHeadBytes))) return null;
    return mp4BoxAt(this.#joined(), at);
  }

  /** False where the stream ends before, or more would have to be held than is allowed. */
  async #read(bytes: number, atMost: number): Promise<boolean> {
    while (this.#bytes < bytes) {
      if (bytes > atMost) return false;
      const chunk = await this.#source.next();
      if (chunk === null) return false;
      this.parts.push(chunk);
      this.#bytes += chunk.length;
    }
    return true;
  }

  #joined(): Uint8Array {
    if (this.parts.length > 1) this.parts = [Buffer.concat(this.parts)];
    return this.parts[0] ?? new Uint8Array(0);
  }
}

function isOutOfOrder({ fragmented, video }: Mp4Index): boolean {
  return !fragmented && video !== null && !chunksAscend(video);
}

function filtersOf(index: Mp4Index | null): readonly string[] | null {
  const orientation = index?.video?.orientation ?? null;
  return orientation === null ? null : uprightFilters(orientation);
}

function checkNotEncrypted({ video }: Mp4Index): void {
  if (video === null || video.encryption === null) return;
  const message = `expected video that can be read, got an encrypted mp4 (${video.encryption}): send it decrypted`;
  throw new SegmentationError('undecodable-video', message);
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
    await file.close();
    throw error;
  }
}
