import { createRequire } from 'node:module';
import { delimiter, resolve } from 'node:path';
import { SegmentationError } from '../../frame/errors.ts';
import { confine, type Confinement, type ConfineMode } from './confinement.ts';
import { findOnPath } from './find-on-path.ts';
import { checkHardware, hardwareDevices, type HardwareDecoder } from './hardware.ts';

/** An ffmpeg that was found and asked for its version. */
export type FfmpegBinary = {
  readonly path: string;
  /** As the binary prints it, such as `5.1.9-0+deb12u1`. */
  readonly version: string;
  /** Major version of libavcodec: 58 is ffmpeg 4, 59 is 5, 60 is 6, and so on. */
  readonly codecMajor: number;
  readonly codecMinor: number;
  /** Whether its release closes the holes that are known; vendors that back-port do not say. */
  readonly fixes: 'present' | 'absent' | 'unknown';
  /** The build of 2018 that npm brings. */
  readonly isBundledBuild: boolean;
  /** What of the machine is taken from it when it decodes. */
  readonly confinement: Confinement;
  /** What decodes video where it can, checked; null: the processor. */
  readonly hardware: HardwareDecoder | null;
  /**
   * One line for the log: where it came from, its version, whether it predates known fixes, and how
   * it is confined.
   */
  readonly describe: string;
};

/** How the build of 2018 that npm brings names itself. */
const bundledBuild = 'N-47683';

/** First releases that carry the fix of CVE-2026-8461 (MagicYUV), by branch. */
const fixedReleases: Readonly<Record<number, readonly [number, number]>> = {
  5: [1, 10],
  6: [1, 6],
  7: [1, 5],
  8: [1, 2],
};

/**
 * Chooses the ffmpeg: the given path, else one on the PATH, else the one that
 * `@ffmpeg-installer/ffmpeg` brought (a build of 2018).
 *
 * Throws `decoder-failed` where none runs.
 */
export async function findFfmpeg(options: {
  /** Used as it is; no other is tried. */
  readonly ffmpegPath?: string | undefined;
  /** Where to look, as the PATH variable is written. Default: that of this process. */
  readonly searchPath?: string | undefined;
  /** Default: `auto`, the strictest confinement that works here. */
  readonly confine?: ConfineMode | undefined;
  /** Default: none. One that is absent throws `usage`. */
  readonly hardware?: HardwareDecoder | undefined;
}): Promise<FfmpegBinary> {
  const searchPath = options.searchPath ?? systemSearchPath;
  const hardware = options.hardware ?? null;
  const devices = hardware === null ? [] : await hardwareDevices(hardware);
  const look = { searchPath, mode: options.confine ?? 'auto', devices, hardware };
  const { ffmpegPath } = options;
  if (ffmpegPath !== undefined)
    return inspect(await whole(ffmpegPath, searchPath), 'configured', look);
  const system = await findOnPath('ffmpeg', searchPath);
  if (system !== null) return inspect(system, 'system', look);
  return inspect(bundledPath(), 'bundled', look);
}

/**
 * The usual places: config.ts is the only reader of the environment and passes PATH in where it
 * differs.
 */
const systemSearchPath = ['/usr/local/bin', '/usr/bin', '/bin', '/opt/homebrew/bin'].join(
  delimiter,
);

/** A path below the folder of the moment means nothing in the decoders' folder, nor in a sandbox. */
async function whole(path: string, searchPath: string): Promise<string> {
  if (path.includes('/')) return resolve(path);
  return (await findOnPath(path, searchPath)) ?? path;
}

/** Path of the binary that npm installed; throws `decoder-failed` on an unsupported platform. */
function bundledPath(): string {
  try {
    const installer = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as {
      readonly path: string;
    };
    return installer.path;
  } catch (cause) {
    throw new SegmentationError(
      'decoder-failed',
      'expected an ffmpeg (FFMPEG_PATH, on the PATH, or @ffmpeg-installer/ffmpeg), found none',
      { cause },
    );
  }
}

async function inspect(
  path: string,
  origin: string,
  look: Omit<Parameters<typeof confine>[2], 'usesHardware'> & {
    readonly hardware: HardwareDecoder | null;
  },
): Promise<FfmpegBinary> {
  const { hardware } = look;
  let text: string;
  let confinement: Confinement;
  try {
    const options = { ...look, usesHardware: hardware !== null };
    ({ stdout: text, confinement } = await confine(path, ['-version'], options));
  } catch (cause) {
    throw new SegmentationError('decoder-failed', `expected the ${origin} ffmpeg to run`, {
      cause,
    });
  }
  if (hardware !== null) await checkHardware(hardware, { path, confinement });
  const version = /^ffmpeg version (\S+)/.exec(text)?.[1];
  const codec = /^libavcodec\s+(\d+)\.\s*(\d+)\./m.exec(text);
  if (version === undefined || codec === null) {
    throw new SegmentationError(
      'decoder-failed',
      `expected the ${origin} ffmpeg to print its version, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  const decodes = hardware === null ? '' : `, decoding by ${hardware} where it can`;
  const confined = [...confinement.holds, ...confinement.lacks.map((why) => `without ${why}`)];
  const describe = `${origin} ffmpeg ${version} at ${path}, ${fixText(version)}${decodes}; ${confined.join(', ')}`;
  const [codecMajor, codecMinor] = [Number(codec[1]), Number(codec[2])];
  const fixes = fixesOf(version);
  const isBundledBuild = version.startsWith(bundledBuild);
  return {
    path,
    version,
    codecMajor,
    codecMinor,
    fixes,
    isBundledBuild,
    confinement,
    hardware,
    describe,
  };
}

/** What the version says; a build of a day says nothing. */
function fixesOf(version: string): FfmpegBinary['fixes'] {
  const [, major, minor, patch] = /^n?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  if (major === undefined) return version.startsWith(bundledBuild) ? 'absent' : 'unknown';
  const release = fixedReleases[Number(major)];
  if (release === undefined) return Number(major) > 8 ? 'present' : 'absent';
  const [fixedMinor, fixedPatch] = release;
  const isFixed =
    Number(minor) > fixedMinor ||
    (Number(minor) === fixedMinor && Number(patch ?? 0) >= fixedPatch);
  return isFixed ? 'present' : 'absent';
}

function fixText(version: string): string {
  switch (fixesOf(version)) {
    case 'present':
      return 'with the fix of CVE-2026-8461';
    case 'unknown':
      return 'a development build: whether it carries the fix of CVE-2026-8461 is not known';
    case 'absent':
      return version.startsWith(bundledBuild)
        ? 'a build of 2018 without any later security fix: set FFMPEG_PATH for untrusted video'
        : 'which predates the fix of CVE-2026-8461 (5.1.10, 6.1.6, 7.1.5, 8.1.2), unless back-ported';
  }
}
