import { SegmentationError } from '../../../src/frame/errors.ts';
import { passthrough } from '../../../src/video/ffmpeg/arguments.ts';
import type { FfmpegBinary } from '../../../src/video/ffmpeg/binary.ts';
import { demuxers, isRaw } from '../../../src/video/stream-format.ts';
import type { Container } from '../../../src/frame/container.ts';
import { encodeWords } from './device-arguments.ts';
import { linesOf, runFfmpeg } from './run-ffmpeg.ts';

/** A video as ffmpeg is given it. */
export type ConvertibleInput = {
  readonly container: Container;
  /** A path, or the bytes of a pipe. */
  readonly source: string | AsyncIterable<Uint8Array>;
  /** Frames a second of a raw stream; null: what its headers say. */
  readonly frameRate: number | null;
};

/** Codecs that are sent as they are, as ffmpeg names them. */
export const sentAsItIs: ReadonlySet<string> = new Set(['h264', 'hevc', 'mjpeg']);

const quiet = ['-hide_banner', '-nostats'];

/** Codec of the first video of a file, or of the first bytes of a pipe; null where it is not told. */
export async function probeCodec(
  ffmpeg: FfmpegBinary,
  { container, source }: { readonly container: Container; readonly source: string | Uint8Array },
  signal: AbortSignal,
): Promise<string | null> {
  const isFile = typeof source === 'string';
  const args = [...quiet, ...reading(container, isFile ? source : null)];
  const { lines } = await linesOf(ffmpeg, args, isFile ? { signal } : { signal, input: source });
  for (const line of lines) {
    const codec = /^\s*Stream #.*: Video: (\w+)/.exec(line)?.[1];
    if (codec !== undefined && !line.includes('(attached pic)')) return codec;
  }
  return null;
}

/** How a video is made over, on its way. */
export type Conversion = {
  /** As H.264; else its pictures stay as they are. */
  readonly encodes: boolean;
  /** At its own pace. */
  readonly realtime: boolean;
};

/** What ffmpeg makes fragmented MP4 of a video with: the times of its pictures stay as they are. */
export function convertArguments(
  ffmpeg: FfmpegBinary,
  { container, source, frameRate }: ConvertibleInput,
  { encodes, realtime }: Conversion,
): string[] {
  return [
    ...quiet,
    '-loglevel',
    'error',
    '-copyts',
    ...(realtime ? ['-re'] : []),
    ...(frameRate !== null && isRaw(container) ? ['-framerate', String(frameRate)] : []),
    ...reading(container, typeof source === 'string' ? source : null),
    // V: video that is not a cover picture.
    ...'-map 0:V:0 -an -sn -dn'.split(' '),
    ...(encodes ? [...encodeWords, ...passthrough(ffmpeg)] : ['-c:v', 'copy']),
    // With its index behind the first picture, which knows when that is shown.
    ...'-f mp4 -movflags frag_every_frame+delay_moov+default_base_moof'.split(' '),
    '-flush_packets',
    '1',
    'pipe:1',
  ];
}

function reading(container: Container, path: string | null): string[] {
  const place = path === null ? 'pipe:0' : `file:${path}`;
  return ['-protocol_whitelist', 'file,pipe', '-f', demuxers[container], '-i', place];
}

/** A video made over, as fragmented MP4. Throws `undecodable-video` with what ffmpeg says. */
export async function* convertVideo(
  ffmpeg: FfmpegBinary,
  input: ConvertibleInput,
  { signal, ...how }: Conversion & { readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  await using child = runFfmpeg(ffmpeg, convertArguments(ffmpeg, input, how), { signal });
  const { stdin, stdout, exited } = child.process;
  const fed =
    typeof input.source === 'string' ? Promise.resolve(stdin.end()) : feed(input.source, stdin);
  for await (const bytes of stdout) yield bytes as Uint8Array;
  const exit = await exited;
  // The reader of a pipe ends with its reader.
  await Promise.race([fed, exited]);
  if (signal.aborted || (exit.kind === 'exited' && exit.exitCode === 0)) return;
  const message = `expected a video that ffmpeg reads, it says: ${child.lastLine()}`;
  throw new SegmentationError('undecodable-video', message);
}

async function feed(chunks: AsyncIterable<Uint8Array>, stdin: NodeJS.WritableStream) {
  for await (const chunk of chunks) {
    if (!(stdin as { writable: boolean }).writable) return;
    if (!stdin.write(chunk)) {
      await new Promise<void>((resolve) => {
        stdin.once('drain', resolve);
        stdin.once('close', resolve);
      });
    }
  }
  stdin.end();
}
