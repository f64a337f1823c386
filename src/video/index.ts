export { createDecoder } from './decoder.ts';
export type {
  DecodedEvent,
  DecodedFormat,
  Decoder,
  DecoderOptions,
  DecodeStreamOptions,
} from './decoder.ts';
export { findFfmpeg } from './ffmpeg-binary.ts';
export type { FfmpegBinary } from './ffmpeg-binary.ts';
