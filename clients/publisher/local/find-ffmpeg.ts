import { readConfig } from '../../../src/config.ts';
import { SegmentationError } from '../../../src/frame/errors.ts';
import { type FfmpegBinary, findFfmpeg } from '../../../src/video/ffmpeg/binary.ts';

/** The ffmpeg of this machine (FFMPEG_PATH, else on the PATH); null where there is none that runs. */
export async function findLocalFfmpeg(): Promise<FfmpegBinary | null> {
  const { ffmpegPath, searchPath } = readConfig();
  try {
    return await findFfmpeg({
      ffmpegPath: ffmpegPath ?? undefined,
      searchPath: searchPath ?? undefined,
    });
  } catch (reason) {
    if (reason instanceof SegmentationError && reason.code === 'decoder-failed') return null;
    throw reason;
  }
}

/** As people know it, such as `ffmpeg 5.1.9`. */
export function ffmpegName({ version }: FfmpegBinary): string {
  return `ffmpeg ${version.replace(/-.*/, '')}`;
}
