import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Container } from '../frame/container.ts';
import type { FfmpegBinary } from './ffmpeg/binary.ts';
import { indexFirstMp4 } from './mp4/index-first.ts';
import { remuxMatroska, tracksComeFirst } from './matroska-file.ts';

/** Bytes of a chunk. */
const chunkBytes = 256 * 1024;

/**
 * Reads a video on disk in an order that a server can decode while it arrives: an MP4 with its index
 * at the end, or its chunks out of order, and a Matroska file with its tracks behind the clusters are
 * put in order on the way, so that neither their length nor the server's spool limits them. All else
 * is read as it is.
 *
 * @param ffmpeg asked only for a Matroska file out of order
 */
export async function* readVideoFile(
  path: string,
  options: { readonly container: Container; readonly ffmpeg: () => Promise<FfmpegBinary> },
): AsyncGenerator<Uint8Array, void, void> {
  const { container } = options;
  if (container === 'mp4') {
    await using file = await open(path);
    const ordered = await indexFirstMp4(file);
    if (ordered !== null) {
      yield* ordered;
      return;
    }
  }
  if (container === 'matroska' || container === 'webm') {
    await using file = await open(path);
    if (!(await tracksComeFirst(file))) {
      yield* remuxMatroska(resolve(path), await options.ffmpeg());
      return;
    }
  }
  yield* createReadStream(path, { highWaterMark: chunkBytes });
}
