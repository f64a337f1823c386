import type { Config } from '../config.ts';
import { readConfig } from '../config.ts';
import type { FfmpegBinary } from '../video/index.ts';
import { findFfmpeg } from '../video/index.ts';

/**
 * The ffmpeg that settings choose, by default those of the environment. Throws `usage` where the
 * hardware that it is to decode with is absent.
 */
export function findConfiguredFfmpeg(
  settings: Pick<Config, 'ffmpegPath' | 'searchPath' | 'confine' | 'hwaccel'> = readConfig(),
): Promise<FfmpegBinary> {
  const { ffmpegPath, searchPath, confine, hwaccel } = settings;
  return findFfmpeg({
    ffmpegPath: ffmpegPath ?? undefined,
    searchPath: searchPath ?? undefined,
    confine: confine === 'off' ? 'off' : 'auto',
    hardware: hwaccel === 'off' ? undefined : hwaccel,
  });
}
