export { createDecoder } from './decoder.ts';
export type {
  DecodedEvent,
  DecodedFormat,
  Decoder,
  DecoderOptions,
  DecodeStreamOptions,
} from './decoder.ts';
export { detectContainer, detectionBytes } from './detect-container.ts';
export { findFfmpeg } from './ffmpeg-binary.ts';
export type { FfmpegBinary } from './ffmpeg-binary.ts';
export { createImageDecoder, decodeImage } from './image-decoder.ts';
export type { DecodedImage, ImageDecoderOptions } from './image-decoder.ts';
export { decodeRgb } from './rgb-decoder.ts';
export type { RgbFrame } from './rgb-decoder.ts';
export { encodeVideo } from './video-encoder.ts';
export type { VideoEncoder } from './video-encoder.ts';
