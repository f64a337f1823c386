/** Forms of encoded video that a stream may declare; the wire's Container without UNSPECIFIED. */
export type Container =
  | 'h264-annex-b'
  | 'hevc-annex-b'
  | 'mpeg-ts'
  | 'mp4'
  | 'matroska'
  | 'webm'
  | 'ivf'
  | 'mjpeg'
  | 'avi'
  | 'flv'
  | 'mpeg-video';
