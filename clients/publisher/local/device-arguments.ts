import type { VideoFormat } from '../access-unit.ts';

/** How a camera of this machine is read. */
export type DeviceForm = {
  /** As ffmpeg's v4l2 names it; null: what the camera gives by itself. */
  readonly inputFormat: string | null;
  readonly container: VideoFormat['container'];
  /** What is encoded anew as H.264, as ffmpeg names it; null where nothing is. */
  readonly encodes: string | null;
};

/** Forms that are sent as they are, the one of least bytes first. */
const forms: readonly (readonly [string, VideoFormat['container']])[] = [
  ['hevc', 'hevc-annex-b'],
  ['h264', 'h264-annex-b'],
  ['mjpeg', 'mjpeg'],
];

const quiet = ['-hide_banner', '-nostats', '-nostdin'];

/** Asks a device which forms it has: a line each, on standard error. */
export function listArguments(device: string): string[] {
  return [...quiet, '-f', 'v4l2', '-list_formats', 'all', '-i', device];
}

/** The form of those that a device has, from the lines of {@link listArguments}; null where it has none. */
export function chooseForm(lines: readonly string[]): DeviceForm | null {
  const found = lines.flatMap((line) => {
    const [, kind, name] = /\b(Raw|Compressed)\s*:\s*(\S+)\s*:/.exec(line) ?? [];
    return kind === undefined || name === undefined || name === 'Unsupported'
      ? []
      : [{ isRaw: kind === 'Raw', name }];
  });
  for (const [name, container] of forms) {
    if (found.some((form) => !form.isRaw && form.name === name)) {
      return { inputFormat: name, container, encodes: null };
    }
  }
  const raw = found.find(({ isRaw }) => isRaw) ?? found[0];
  if (raw === undefined) return null;
  return { inputFormat: raw.name, container: 'h264-annex-b', encodes: raw.name };
}

/** H.264 that a camera of this machine, or a file, becomes: no frame waits for a later one. */
export const encodeWords: readonly string[] =
  '-c:v libx264 -preset veryfast -tune zerolatency -crf 20 -g 60 -pix_fmt yuv420p'.split(' ');

/** Reads a device to a raw stream on standard output. `frameRate`: null leaves it to the camera. */
export function deviceArguments(
  device: string,
  { inputFormat, container, encodes }: DeviceForm,
  frameRate: number | null,
): string[] {
  const muxers = { 'h264-annex-b': 'h264', 'hevc-annex-b': 'hevc', mjpeg: 'mjpeg' } as const;
  return [
    ...quiet,
    ...'-loglevel error -fflags nobuffer -f v4l2'.split(' '),
    ...(inputFormat === null ? [] : ['-input_format', inputFormat]),
    ...(frameRate === null ? [] : ['-framerate', String(frameRate)]),
    '-i',
    device,
    '-map',
    '0:v:0',
    ...(encodes === null ? ['-c:v', 'copy'] : encodeWords),
    '-f',
    muxers[container],
    '-flush_packets',
    '1',
    'pipe:1',
  ];
}
