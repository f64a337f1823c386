import { SegmentationError } from '../frame/errors.ts';
import { FramePool, yuv420Bytes } from '../frame/frame.ts';
import type { Frame } from '../frame/frame.ts';
import type { Size } from '../frame/geometry.ts';
import { decodeFrames, defaultAnalysisLongSide, defaultLimits } from './decoder.ts';
import type { Decode, DecodeEvent, DecodeOptions } from '../frame/ports.ts';
import { detectImage } from './detect-container.ts';
import { checkImage, isCut, undecodable } from './image-checks.ts';
import { exifOrientation, uprightFilters } from './headers/exif-orientation.ts';
import type { FfmpegBinary } from './ffmpeg/binary.ts';

/** Options of {@link createImageDecoder} and {@link decodeImage}. */
export type ImageDecoderOptions = {
  readonly ffmpeg: FfmpegBinary;
  /** Longest side of the decoded picture, even; smaller ones keep their size. Default: 512. */
  readonly analysisLongSide?: number;
  /** Largest size in pixels. Default, and most: 96 million. */
  readonly maxFramePixels?: number | undefined;
  /** Most bytes of an encoded image. Default: 64 MiB. */
  readonly maxImageBytes?: number;
  /** Where the memory of its frame comes from. Default: one of its own. */
  readonly pool?: FramePool;
};

/** What differs from image to image. */
type CallOptions = Pick<DecodeOptions, 'signal' | 'yields'>;

/** A decoded image; the receiver closes the frame. */
export type DecodedImage = {
  readonly frame: Frame;
  /** Size with the orientation applied: that of prompts and masks. */
  readonly display: Size;
};

/** 96 million: a camera's largest picture; decoded, it still fits the allocation limit. */
const maxImagePixels = 12_000 * 8_000;

/** Spare frames that all images of a decoder share: each needs one. */
const maxSpareFrames = 8;

const defaultMaxImageBytes = 64 * 1024 * 1024;

/**
 * Decodes one JPEG, PNG or WebP, upright, scaled down to analysis size.
 *
 * Throws `undecodable-image`, `frame-too-large`, `decoder-failed`, `decoder-stalled`, `cancelled`.
 */
export async function decodeImage(
  bytes: Uint8Array,
  options: ImageDecoderOptions & CallOptions,
): Promise<DecodedImage> {
  let frame: Frame | null = null;
  const said: string[] = [];
  for await (const event of decodeStill(bytes, options)) {
    if (event.kind === 'warning') said.push(event.message);
    if (event.kind !== 'frame') continue;
    if (frame === null) frame = event.frame;
    else event.frame.close();
  }
  if (frame === null) throw undecodable('found no picture');
  if (isCut(bytes, said)) {
    frame.close();
    throw undecodable('got one that ends early');
  }
  return { frame, display: frame.display };
}

/**
 * Makes a decoder of still images that looks like one of streams: the chunks are one image, its frame
 * comes once. The declared container is not used.
 *
 * Throws what {@link decodeImage} throws, and `empty-stream`.
 */
export function createImageDecoder(options: ImageDecoderOptions): Decode {
  const side = options.analysisLongSide ?? defaultAnalysisLongSide;
  const pool = new FramePool(maxSpareFrames, yuv420Bytes({ width: side, height: side }));
  return (chunks, { signal, maxFramePixels, yields }) =>
    decodeImageStream(chunks, {
      pool,
      ...options,
      signal,
      maxFramePixels,
      yields: yields === true,
    });
}

async function* decodeImageStream(
  chunks: AsyncIterable<Uint8Array>,
  options: ImageDecoderOptions & CallOptions,
): AsyncGenerator<DecodeEvent, void, void> {
  const maxBytes = options.maxImageBytes ?? defaultMaxImageBytes;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > maxBytes) {
      const message = `expected an image of at most ${maxBytes} bytes, got more`;
      throw new SegmentationError('frame-too-large', message);
    }
    parts.push(chunk);
  }
  if (length === 0) throw new SegmentationError('empty-stream', 'expected an image, got 0 bytes');
  const { frame, display } = await decodeImage(Buffer.concat(parts), options);
  let handedOver = false;
  try {
    const codec = detectImage(parts[0] as Uint8Array) ?? 'image';
    const known = { fromFrameIndex: 0, frameRate: null, analysis: frame.analysis };
    yield { kind: 'format', format: { ...known, display, codec } };
    handedOver = true;
  } finally {
    if (!handedOver) frame.close();
  }
  yield { kind: 'frame', frame };
}

async function* decodeStill(
  bytes: Uint8Array,
  options: ImageDecoderOptions & CallOptions,
): AsyncGenerator<DecodeEvent, void, void> {
  const format = checkImage(bytes);
  try {
    yield* decodeFrames(once(bytes), {
      format,
      frameRate: null,
      yields: options.yields === true,
      signal: options.signal,
      ffmpeg: options.ffmpeg,
      still: { bytes: bytes.length },
      uprightFilters: uprightFilters(exifOrientation(bytes, format)),
      limits: {
        ...defaultLimits,
        maxFramePixels: Math.min(maxImagePixels, options.maxFramePixels ?? maxImagePixels),
      },
      longSide: options.analysisLongSide ?? defaultAnalysisLongSide,
      ...(options.pool === undefined ? {} : { pool: options.pool }),
    });
  } catch (error) {
    const code = error instanceof SegmentationError ? error.code : 'internal';
    if (code !== 'undecodable-video' && code !== 'unsupported-codec') throw error;
    throw undecodable((error as Error).message, error);
  }
}

// eslint-disable-next-line typescript/require-await -- a one-chunk stream
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
