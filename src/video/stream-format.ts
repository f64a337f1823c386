import type { Container } from '../frame/container.ts';

/** Still pictures that are decoded like a video of one frame. */
export type ImageFormat = 'jpeg' | 'png' | 'webp';

/** Anything that ffmpeg is given to decode. */
export type StreamFormat = Container | ImageFormat;

/** ffmpeg's name of the demuxer: always forced, never probed. */
export const demuxers: Readonly<Record<StreamFormat, string>> = {
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
  jpeg: 'jpeg_pipe',
  png: 'png_pipe',
  webp: 'webp_pipe',
};

const videoCodecs: ReadonlySet<string> = new Set([
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

const imageCodecs: ReadonlySet<string> = new Set(['mjpeg', 'png', 'webp']);

const videoDecoders =
  'h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,libaom-av1,mjpeg,mpeg1video,mpeg2video,mpegvideo,mpeg4';

/** The WebP decoder is a VP8 decoder of its own. */
const imageDecoders = 'mjpeg,png,webp,vp8';

/** Codecs that a stream may carry, as ffmpeg names them. */
export function allowedCodecs(format: StreamFormat): ReadonlySet<string> {
  return isImage(format) ? imageCodecs : videoCodecs;
}

/** Decoders that untrusted bytes may reach, as ffmpeg names them, with commas between. */
export function allowedDecoders(format: StreamFormat): string {
  return isImage(format) ? imageDecoders : videoDecoders;
}

/** A still picture, not a video. */
export function isImage(format: StreamFormat): format is ImageFormat {
  return format === 'jpeg' || format === 'png' || format === 'webp';
}

/** Raw video carries no time: it comes from the frame rate. */
export function isRaw(format: StreamFormat): boolean {
  return (
    format === 'h264-annex-b' ||
    format === 'hevc-annex-b' ||
    format === 'mjpeg' ||
    format === 'mpeg-video'
  );
}
