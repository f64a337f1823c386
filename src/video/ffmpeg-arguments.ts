import type { Container } from '../frame/container.ts';
import type { FfmpegBinary } from './ffmpeg-binary.ts';

/** What the pictures on standard output look like. */
export type PictureShape =
  /** yuv420p, scaled down to fit, in the top left corner of a square of `longSide`. */
  | { readonly kind: 'analysis'; readonly longSide: number }
  /** rgb24 at display size; later sizes are stretched to the first. */
  | { readonly kind: 'display-rgb' };

/** Decoders that untrusted bytes may reach, as ffmpeg names them. */
const decoders =
  'h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,libaom-av1,mjpeg,mpeg1video,mpeg2video,mpegvideo,mpeg4';

/** Codecs that a stream may carry, as ffmpeg names them. */
export const allowedCodecs: ReadonlySet<string> = new Set([
  'h264',
  'hevc',
  'vp8',
  'vp9',
  'av1',
  'mjpeg',
  'mpeg1video',
  'mpeg2video',
  'mpeg4',
]);

/** Largest single allocation of ffmpeg: several times the largest allowed picture. */
const maxAllocBytes = 512 * 1024 * 1024;

const demuxers: Readonly<Record<Container, string>> = {
  'h264-annex-b': 'h264',
  'hevc-annex-b': 'hevc',
  'mpeg-ts': 'mpegts',
  mp4: 'mp4',
  matroska: 'matroska',
  webm: 'matroska',
  ivf: 'ivf',
  mjpeg: 'mjpeg',
  avi: 'avi',
  flv: 'flv',
  'mpeg-video': 'mpegvideo',
};

/** Containers whose pictures carry no time: it comes from the frame rate. */
export function hasOwnTiming(container: Container): boolean {
  switch (container) {
    case 'h264-annex-b':
    case 'hevc-annex-b':
    case 'mjpeg':
    case 'mpeg-video':
      return false;
    case 'mpeg-ts':
    case 'mp4':
    case 'matroska':
    case 'webm':
    case 'ivf':
    case 'avi':
    case 'flv':
      return true;
  }
}

/** Arguments that decode the first video stream of the input to raw pictures, one line of log each. */
export function decodeArguments(options: {
  readonly binary: FfmpegBinary;
  readonly container: Container;
  /** Frames a second for a container without timing of its own. */
  readonly frameRate: number | null;
  /** Where the bytes come from: the pipe, or the file inherited as descriptor 3. */
  readonly input: 'pipe' | 'file';
  readonly shape: PictureShape;
  readonly maxFramePixels: number;
}): string[] {
  const { binary, container, shape } = options;
  const framerate =
    options.frameRate === null || hasOwnTiming(container)
      ? []
      : ['-framerate', String(options.frameRate)];
  const timing =
    binary.codecMajor >= 60
      ? ['-fps_mode', 'passthrough', '-enc_time_base', 'demux']
      : ['-vsync', 'passthrough', '-enc_time_base', '-1'];
  // `repeat`: two equal log lines are two frames, not "last message repeated".
  const general = '-hide_banner -nostats -nostdin -loglevel repeat+level+verbose'.split(' ');
  // Start at once: the default probe holds back 5 MB of a raw stream and 20 frames of an MP4.
  const start =
    '-probesize 32 -analyzeduration 0 -fpsprobesize 0 -threads 1 -copyts -max_error_rate 1'.split(
      ' ',
    );
  const limits = `-protocol_whitelist ${options.input} -codec_whitelist ${decoders}`.split(' ');
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
    '-max_pixels',
    String(options.maxFramePixels),
    ...framerate,
    '-f',
    demuxers[container],
    '-i',
    options.input === 'pipe' ? 'pipe:0' : 'file:/dev/fd/3',
    ...choice,
    '-vf',
    filterChain(shape),
    ...timing,
    ...raw,
  ];
}

/**
 * Square pixels at display size, then what `shape` asks for. `showinfo` says the size and the time of
 * each picture on standard error; it comes after scaling, where its checksums cost little.
 */
function filterChain(shape: PictureShape): string {
  const width = 'if(gt(sar,1),round(iw*sar),iw)';
  const height = 'if(lt(sar,1),round(ih/sar),ih)';
  switch (shape.kind) {
    case 'display-rgb':
      return `scale=w='${width}':h='${height}':flags=bicubic,format=rgb24,showinfo`;
    case 'analysis': {
      const { longSide } = shape;
      const ratio = `min(1,${longSide}/max(${width},${height}))`;
      const even = (side: string): string =>
        `max(2,min(2*floor(${side}/2),2*round(${side}*${ratio}/2)))`;
      const scale = `scale=w='${even(width)}':h='${even(height)}':flags=area`;
      // A canvas of one size: ffmpeg stretches later pictures to the first size otherwise.
      return `${scale},format=yuv420p,showinfo,pad=w=${longSide}:h=${longSide}:eval=frame`;
    }
  }
}
