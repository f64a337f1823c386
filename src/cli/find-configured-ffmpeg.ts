import { readConfig } from '../config.ts';
import type { FfmpegBinary } from '../video/index.ts';
import { findFfmpeg } from '../video/index.ts';

/** The ffmpeg that the environment chooses: the one that a server in this process uses too. */
export function findConfiguredFfmpeg(): Promise<FfmpegBinary> {
  const { ffmpegPath, searchPath } = readConfig();
  return findFfmpeg({
    ffmpegPath: ffmpegPath ?? undefined,
    searchPath: searchPath ?? undefined,
  });
}
