import type { Config } from '../config.ts';
import { readConfig } from '../config.ts';
import type { FfmpegBinary } from '../video/index.ts';
import { findFfmpeg } from '../video/index.ts';

/** The ffmpeg that settings choose, by default those of the environment. */
export function findConfiguredFfmpeg(
  {
    ffmpegPath,
    searchPath,
    confine,
  }: Pick<Config, 'ffmpegPath' | 'searchPath' | 'confine'> = readConfig(),
): Promise<FfmpegBinary> {
  return findFfmpeg({
    ffmpegPath: ffmpegPath ?? undefined,
    searchPath: searchPath ?? undefined,
    confine: confine === 'off' ? 'off' : 'auto',
  });
}
