import { readFile } from 'node:fs/promises';
import { SegmentationError } from '../../frame/errors.ts';
import type { FfmpegBinary } from '../../video/index.ts';
import { uprightJpeg } from '../../video/index.ts';

/**
 * The pictures of a sequence as JPEGs, one a chunk: JPEGs that are upright as they are, others encoded
 * anew. Sizes may differ and may be odd.
 *
 * Throws `undecodable-image` naming the file that cannot be read.
 */
export async function* readSequence(
  files: readonly string[],
  options: { readonly ffmpeg: () => Promise<FfmpegBinary>; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, void> {
  const { signal } = options;
  for (const file of files) {
    const bytes = await readFile(file);
    try {
      yield await uprightJpeg(bytes, { ffmpeg: options.ffmpeg, signal });
    } catch (reason) {
      if (signal.aborted || !(reason instanceof SegmentationError)) throw reason;
      throw new SegmentationError(reason.code, `${file}: ${reason.message}`, {
        cause: reason.cause,
      });
    }
  }
}

/** The error for a file that the decoder of the service gave no picture for. */
export function noPictureOf(file: string): SegmentationError {
  const message = `${file}: expected a picture that can be decoded, got none: the masks behind it would belong to other files`;
  return new SegmentationError('undecodable-image', message);
}
