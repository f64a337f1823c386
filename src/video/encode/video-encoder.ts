import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { SegmentationError } from '../../frame/errors.ts';
import { microsecondsPerSecond } from '../../frame/time.ts';
import { abortable } from '../chunk-source.ts';
import { colourArguments } from '../ffmpeg/colour-tags.ts';
import type { ColourTags } from '../ffmpeg/colour-tags.ts';
import { passthrough, keepsLastDuration } from '../ffmpeg/arguments.ts';
import type { FfmpegBinary } from '../ffmpeg/binary.ts';
import { startFfmpeg } from '../ffmpeg/process.ts';
import { OutputClock } from './output-clock.ts';
import { matroskaHead, matroskaPictureHead } from './raw-matroska.ts';

/** Writes an MP4 or WebM. `finish` makes the file complete; `close` without it gives up. */
export type VideoEncoder = AsyncDisposable & {
  /**
   * Takes one picture, rgb24, row-major, tightly packed, with its presentation time in microseconds.
   * Settles when the next may come.
   */
  write(rgb: Uint8Array, timestampUs: number): Promise<void>;
  /** Ends the file; settles when it is written. */
  finish(): Promise<void>;
  /** Ends the child in any case; idempotent. */
  close(): Promise<void>;
};

/** What {@link encodeVideo} is told. */
export type EncodeVideoOptions = {
  readonly ffmpeg: FfmpegBinary;
  readonly width: number;
  readonly height: number;
  /** Frames a second: how long the last picture stays, and what readers are told. Null: not known. */
  readonly frameRate: number | null;
  /** Of the video that the pictures come from. Default: none known. */
  readonly colour?: ColourTags | null;
  /** The file; an older one is replaced. */
  readonly path: string;
  /** Default: mp4. */
  readonly container?: 'mp4' | 'webm';
  readonly signal: AbortSignal;
};

/** Lines of ffmpeg's log that are kept for an error. */
const keptLogLines = 3;

/**
 * Writes rgb24 pictures to an H.264 MP4 (MPEG-4 where the ffmpeg has no libx264), each at its own time,
 * exact to the microsecond; or to VP9 in WebM, to the millisecond. Odd sides get one more line of black, as the codec wants even ones. The
 * caller closes.
 *
 * Times keep their origin unless it is negative or so late that players would show nothing for long;
 * where they go back, they go on from the picture before. The build of 2018 always begins at 0.
 *
 * `write` and `finish` throw `unreadable-file` where the file cannot be written, and `cancelled`.
 */
export async function encodeVideo(options: EncodeVideoOptions): Promise<VideoEncoder> {
  const { ffmpeg, width, height, signal } = options;
  const args = encodeArguments(options, await codecArguments(ffmpeg, options.container));
  const said: string[] = [];
  const child = startFfmpeg(ffmpeg.path, args, {
    onLogLine: (line) => {
      said.push(line);
      if (said.length > keptLogLines) said.shift();
    },
  });
  /** What ffmpeg says of it comes on another pipe, and may come after its end. */
  const failure = async (): Promise<SegmentationError> => {
    await child.stop();
    const reason = said.length === 0 ? 'ffmpeg gave no reason' : `ffmpeg says: ${said.join('; ')}`;
    const message = `expected to write ${options.path}, ${reason}`;
    return new SegmentationError('unreadable-file', message);
  };
  const put = async (bytes: Uint8Array): Promise<void> => {
    const writing = new Promise<boolean>((settle) => {
      child.stdin.write(bytes, (error) => settle(error === null || error === undefined));
    });
    if (!(await abortable(writing, signal))) throw await failure();
  };
  child.stdout.resume();
  const clock = new OutputClock(options.frameRate);
  let head = matroskaHead(options);
  return {
    write: async (rgb, timestampUs) => {
      const expected = width * height * 3;
      if (rgb.length !== expected) {
        throw new SegmentationError('internal', `expected ${expected} bytes, got ${rgb.length}`);
      }
      const pictureHead = matroskaPictureHead(clock.next(timestampUs), rgb.length);
      await put(Buffer.concat([head, pictureHead]));
      head = Buffer.alloc(0);
      await put(rgb);
    },
    finish: async () => {
      child.stdin.end();
      const exit = await abortable(child.exited, signal);
      if (exit.kind !== 'exited' || exit.exitCode !== 0) throw await failure();
    },
    close: () => child.stop(),
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

function encodeArguments(options: EncodeVideoOptions, codec: readonly string[]): string[] {
  const { ffmpeg } = options;
  const output = `file:${resolve(options.path)}`;
  const colour = colourArguments(options.colour ?? null, options);
  const even = 'pad=w=2*ceil(iw/2):h=2*ceil(ih/2)';
  // MP4 takes the last picture to last no time, and an edit list would cut it off.
  const edits = keepsLastDuration(ffmpeg) ? '' : '-use_editlist 0 ';
  const file =
    options.container === 'webm'
      ? '-f webm -y'
      : `-video_track_timescale ${microsecondsPerSecond} ${edits}-movflags +faststart -f mp4 -y`;
  return [
    ...'-hide_banner -nostats -nostdin -loglevel error'.split(' '),
    ...'-probesize 32 -analyzeduration 0 -copyts -f matroska -i pipe:0'.split(' '),
    '-vf',
    `${colour.filter},${even}`,
    '-pix_fmt',
    'yuv420p',
    ...passthrough(ffmpeg),
    ...codec,
    ...colour.flags,
    // Without reordering the last picture is the last packet: its time ends the file.
    '-bf',
    '0',
    ...file.split(' '),
    output,
  ];
}

async function codecArguments(
  ffmpeg: FfmpegBinary,
  container: EncodeVideoOptions['container'],
): Promise<string[]> {
  if (container === 'webm') {
    return '-c:v libvpx-vp9 -deadline realtime -cpu-used 6 -crf 24 -b:v 0'.split(' ');
  }
  const { stdout } = await promisify(execFile)(
    ffmpeg.path,
    ['-hide_banner', '-h', 'encoder=libx264'],
    { env: {} },
  );
  return stdout.includes('Encoder libx264')
    ? '-c:v libx264 -preset veryfast -crf 18'.split(' ')
    : '-c:v mpeg4 -q:v 3'.split(' ');
}
