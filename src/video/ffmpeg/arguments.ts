import type { FfmpegBinary } from './binary.ts';
import { allowedDecoders, demuxers, isRaw } from '../stream-format.ts';
import type { StreamFormat } from '../stream-format.ts';

/** What the pictures on standard output look like. */
export type PictureShape =
  /** yuv420p, scaled down to fit `longSide`. */
  | {
      readonly kind: 'analysis';
      readonly longSide: number;
      /** Each picture is in the top left corner of a square; false only where {@link writesAnySize}. */
      readonly onCanvas: boolean;
    }
  /** rgb24 at display size; later sizes are stretched to the first. */
  | { readonly kind: 'display-rgb' };

/** What ffmpeg must be told of an image. */
export type StillInput = {
  /** Length of the whole image: the old build has no parser that would find a WebP's end. */
  readonly bytes: number;
};

/** Largest single allocation of ffmpeg: several times the largest allowed picture. */
const maxAllocBytes = 512 * 1024 * 1024;

/** Arguments that decode the first video stream of the input to raw pictures, one line of log each. */
export function decodeArguments(options: {
  readonly binary: FfmpegBinary;
  readonly format: StreamFormat;
  /** Frames a second for a container without timing of its own. */
  readonly frameRate: number | null;
  /** Where the bytes come from: the pipe, or the file inherited as descriptor 3. */
  readonly input: 'pipe' | 'file';
  /** A first look found no video among the streams. Default: false. */
  readonly probesFar?: boolean;
  /** Set for an image. */
  readonly still?: StillInput;
  /** Filters that turn pictures upright, in place of ffmpeg's own rotation; null leaves it to that. */
  readonly uprightFilters: readonly string[] | null;
  readonly shape: PictureShape;
  readonly maxFramePixels: number;
  /** Marks the log lines of the filters; nobody who made the input knows it. */
  readonly logTag: string;
}): string[] {
  const { binary, format, shape, still, uprightFilters } = options;
  const framerate =
    options.frameRate === null || !isRaw(format) ? [] : ['-framerate', String(options.frameRate)];
  // `repeat`: two equal log lines are two frames, not "last message repeated".
  const general = '-hide_banner -nostats -nostdin -loglevel repeat+level+verbose'.split(' ');
  // Start at once: the default probe holds back 5 MB of a raw stream and 20 frames of an MP4.
  const start =
    `-probesize ${probeBytes(options)} -analyzeduration 0 -fpsprobesize 0 -threads 1 -copyts -max_error_rate 1`.split(
      ' ',
    );
  // Pictures come back to memory by themselves; a codec that the hardware lacks stays on the processor.
  const hardware =
    binary.hardware === null || still !== undefined ? [] : ['-hwaccel', binary.hardware];
  const limits =
    `-protocol_whitelist ${options.input} -codec_whitelist ${allowedDecoders(format)}`.split(' ');
  // V: video that is not a cover picture.
  const choice = '-map 0:V:0 -an -sn -dn'.split(' ');
  // One thread: the rawvideo encoder of ffmpeg 5 holds a frame back otherwise.
  const raw = '-threads 1 -c:v rawvideo -f rawvideo -flush_packets 1 pipe:1'.split(' ');
  return [
    ...general,
    '-max_alloc',
    String(maxAllocBytes),
    ...start,
    ...limits,
    ...hardware,
    '-max_pixels',
    String(options.maxFramePixels),
    ...framerate,
    ...(uprightFilters === null ? [] : ['-noautorotate']),
    ...(still === undefined ? [] : ['-frame_size', String(still.bytes)]),
    '-f',
    demuxers[format],
    '-i',
    options.input === 'pipe' ? 'pipe:0' : 'file:/dev/fd/3',
    ...choice,
    '-vf',
    [...(uprightFilters ?? [lineEnd]), filterChain(shape, binary, options.logTag)].join(','),
    ...(shape.kind === 'analysis' && !shape.onCanvas ? ['-autoscale', '0'] : []),
    ...passthrough(binary),
    ...raw,
  ];
}

/**
 * Does nothing but write a line before the other filters do. Where ffmpeg looks for the rotation itself
 * and finds an odd angle, its warning has no line feed, and what comes next loses its beginning.
 */
const lineEnd = 'settb';

/** Most that is read before the streams are known where a first look missed the video. */
export const farProbeBytes = 256 * 1024;

/**
 * What may be read before the streams are known. ffmpeg of 2018 gives up a transport stream of fewer
 * than 8 KiB, such as a clip of a few small frames, where it may not read that much.
 */
function probeBytes(options: {
  readonly binary: FfmpegBinary;
  readonly format: StreamFormat;
  readonly probesFar?: boolean;
}): number {
  if (options.probesFar === true) return farProbeBytes;
  const isShortRefused = options.format === 'mpeg-ts' && !isAtLeast(options.binary, ffmpeg5m1);
  return isShortRefused ? 8192 : 32;
}

/**
 * Whether pictures of several sizes leave this ffmpeg one behind the other, each as it is. Others
 * stretch all to the first size, or have not been seen to do without: they get a canvas.
 */
export function writesAnySize(binary: FfmpegBinary): boolean {
  return isAtLeast(binary, ffmpeg5m1) && binary.codecMajor === ffmpeg5m1[0];
}

/** Major and minor version of libavcodec in ffmpeg 5.1 and 6.1. */
const ffmpeg5m1 = [59, 37] as const;
const ffmpeg6m1 = [60, 31] as const;

function isAtLeast(
  { codecMajor, codecMinor }: FfmpegBinary,
  [major, minor]: readonly [number, number],
): boolean {
  return codecMajor > major || (codecMajor === major && codecMinor >= minor);
}

/** The muxer of MP4 gives a last packet without a duration one of its own. */
export function keepsLastDuration(binary: FfmpegBinary): boolean {
  return isAtLeast(binary, ffmpeg5m1);
}

/** One frame out for each frame in, with its time as it is: the spelling changed twice. */
export function passthrough(binary: FfmpegBinary): string[] {
  const sync = isAtLeast(binary, ffmpeg5m1) ? '-fps_mode' : '-vsync';
  const timeBase = isAtLeast(binary, ffmpeg6m1) ? 'demux' : '-1';
  return [sync, 'passthrough', '-enc_time_base', timeBase];
}

/**
 * Square pixels at display size, then what `shape` asks for. `showinfo` says the size and the time of
 * each picture on standard error; it comes after scaling, where its checksums cost less (0.2 ms of a
 * 720p frame's 4.2 all the same, and ffmpeg 5.1 can be told to leave them out).
 */
function filterChain(shape: PictureShape, binary: FfmpegBinary, tag: string): string {
  const width = 'if(gt(sar,1),round(iw*sar),iw)';
  const height = 'if(lt(sar,1),round(ih/sar),ih)';
  const note = isAtLeast(binary, ffmpeg5m1) ? `showinfo@${tag}=checksum=0` : `showinfo@${tag}`;
  switch (shape.kind) {
    case 'display-rgb':
      return `scale@${tag}=w='${width}':h='${height}':flags=bicubic,format=rgb24,${note}`;
    case 'analysis': {
      const { longSide, onCanvas } = shape;
      const ratio = `min(1,${longSide}/max(${width},${height}))`;
      const even = (side: string): string =>
        `max(2,min(2*floor(${side}/2),2*round(${side}*${ratio}/2)))`;
      const scale = `scale@${tag}=w='${even(width)}':h='${even(height)}':flags=area:eval=frame`;
      const canvas = onCanvas ? `,pad=w=${longSide}:h=${longSide}:eval=frame` : '';
      return `${scale},format=yuv420p,${note}${canvas}`;
    }
  }
}
