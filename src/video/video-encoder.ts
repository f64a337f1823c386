import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { SegmentationError } from '../frame/errors.ts';
import { abortable } from './chunk-source.ts';
import type { FfmpegBinary } from './ffmpeg-binary.ts';
import { startFfmpeg } from './ffmpeg-process.ts';

/** Writes an MP4. `finish` makes the file complete; `close` without it gives up. */
export type VideoEncoder = AsyncDisposable & {
  /** Takes one picture, rgb24, row-major, tightly packed. Settles when the next may come. */
  write(rgb: Uint8Array): Promise<void>;
  /** Ends the file; settles when it is written. */
  finish(): Promise<void>;
  /** Ends the child in any case; idempotent. */
  close(): Promise<void>;
};

/** Lines of ffmpeg's log that are kept for an error. */
const keptLogLines = 3;

/**
 * Writes rgb24 pictures to an H.264 MP4 (MPEG-4 where the ffmpeg has no libx264) at a constant frame
 * rate. Odd sides get one more line of black, as the codec wants even ones. The caller closes.
 *
 * `write` and `finish` throw `unreadable-file` where the file cannot be written, and `cancelled`.
 */
export async function encodeVideo(options: {
  readonly ffmpeg: FfmpegBinary;
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly frameRate: number;
  /** The file; an older one is replaced. */
  readonly path: string;
  readonly signal: AbortSignal;
}): Promise<VideoEncoder> {
  const { ffmpeg, width, height, signal } = options;
  const args = encodeArguments(options, await codecArguments(ffmpeg));
  const said: string[] = [];
  const child = startFfmpeg(ffmpeg.path, args, {
    onLogLine: (line) => {
      said.push(line);
      if (said.length > keptLogLines) said.shift();
    },
  });
  const failure = (): SegmentationError =>
    new SegmentationError(
      'unreadable-file',
      `expected to write ${options.path}, ffmpeg says: ${said.join('; ')}`,
    );
  child.stdout.resume();
  return {
    write: async (rgb) => {
      const expected = width * height * 3;
      if (rgb.length !== expected) {
        throw new SegmentationError('internal', `expected ${expected} bytes, got ${rgb.length}`);
      }
      await abortable(
        new Promise<void>((written, reject) => {
          child.stdin.write(rgb, (error) => (error ? reject(failure()) : written()));
        }),
        signal,
      );
    },
    finish: async () => {
      child.stdin.end();
      const exit = await abortable(child.exited, signal);
      if (exit.kind !== 'exited' || exit.exitCode !== 0) throw failure();
    },
    close: () => child.stop(),
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

function encodeArguments(
  options: { width: number; height: number; frameRate: number; path: string },
  codec: readonly string[],
): string[] {
  const size = `${options.width}x${options.height}`;
  const output = `file:${resolve(options.path)}`;
  const input = `-f rawvideo -pix_fmt rgb24 -video_size ${size} -framerate ${options.frameRate}`;
  const even = 'pad=w=2*ceil(iw/2):h=2*ceil(ih/2)';
  return [
    ...`-hide_banner -nostats -nostdin -loglevel error ${input} -i pipe:0`.split(' '),
    ...`-vf ${even} -pix_fmt yuv420p`.split(' '),
    ...codec,
    ...'-movflags +faststart -f mp4 -y'.split(' '),
    output,
  ];
}

async function codecArguments(ffmpeg: FfmpegBinary): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    ffmpeg.path,
    ['-hide_banner', '-h', 'encoder=libx264'],
    { env: {} },
  );
  return stdout.includes('Encoder libx264')
    ? '-c:v libx264 -preset veryfast -crf 18'.split(' ')
    : '-c:v mpeg4 -q:v 3'.split(' ');
}
