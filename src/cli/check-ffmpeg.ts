import { isLoopback } from '../config-warnings.ts';
import type { Config } from '../config.ts';
import { usageError } from '../frame/errors.ts';
import type { FfmpegBinary } from '../video/index.ts';

/**
 * Throws `usage` where the ffmpeg that was found is none for this server: not patched where that is
 * required, not in a sandbox where that is required, or the build of 2018 where strangers send the
 * video.
 */
export function checkFfmpeg(
  {
    path,
    version,
    fixes,
    isBundledBuild,
    confinement,
  }: Pick<FfmpegBinary, 'path' | 'version' | 'fixes' | 'isBundledBuild' | 'confinement'>,
  {
    requirePatchedFfmpeg,
    confine,
    listen,
    allow,
  }: Pick<Config, 'requirePatchedFfmpeg' | 'confine' | 'listen' | 'allow'>,
): void {
  const isHeld = confinement.kind === 'sandbox' && confinement.isLimited;
  if (confine === 'require' && !isHeld) {
    throw usageError(
      `--confine require: expected a sandbox with limits for decoders (bubblewrap and prlimit), got none: ${confinement.lacks.join('; ')}`,
    );
  }
  const got = `got ${version} at ${path}`;
  if (requirePatchedFfmpeg && fixes !== 'present') {
    throw usageError(
      `--require-patched-ffmpeg: expected a release of ffmpeg that closes the known holes, ${got}; set FFMPEG_PATH`,
    );
  }
  if (isBundledBuild && !isLoopback(listen.host) && !allow.includes('old-ffmpeg')) {
    throw usageError(
      `MASKSTREAM_LISTEN=${listen.host}:${listen.port} is reached from other machines: expected a current ffmpeg (FFMPEG_PATH, or on the PATH), or --allow old-ffmpeg, ${got}, a build of 2018 with known holes`,
    );
  }
}
