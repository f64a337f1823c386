import { SegmentationError } from '../frame/errors.ts';
import { FramePool, yuv420Bytes } from '../frame/frame.ts';
import type { Frame } from '../frame/frame.ts';
import type { Size } from '../frame/geometry.ts';
import type { Decode, DecodeEvent, DecodeOptions, VideoFormat } from '../frame/ports.ts';
import { microsecondsFromTicks, microsecondsPerSecond } from '../frame/time.ts';
import { decodePictures } from './decode-pictures.ts';
import type { DecodeLimits, PictureContext } from './decode-pictures.ts';
import { writesAnySize } from './ffmpeg/arguments.ts';
import type { StillInput } from './ffmpeg/arguments.ts';
import type { FfmpegBinary } from './ffmpeg/binary.ts';
import { allOf } from './picture-reader.ts';
import type { PlaneWindow } from './picture-reader.ts';
import type { PictureSlot } from './picture-stream.ts';
import type { StreamFormat } from './stream-format.ts';

/** Options of {@link createDecoder}. */
export type DecoderOptions = {
  readonly ffmpeg: FfmpegBinary;
  /** Longest side of decoded frames, even; smaller video keeps its size. Default: 512. */
  readonly analysisLongSide?: number;
  /** Most pixels of a source frame. Default: 4096 x 2304. */
  readonly maxFramePixels?: number;
  /** Most bytes of an MP4 whose index comes last. Default: 256 MiB. */
  readonly maxSpoolBytes?: number;
  /** Time with input and without a frame, in milliseconds. Default: 20,000. */
  readonly stallTimeoutMs?: number;
  /** Decoded frames held ahead of the receiver. Default: 4. */
  readonly maxQueuedFrames?: number;
};

/** Defaults of the limits of {@link DecoderOptions}. */
export const defaultLimits: DecodeLimits = {
  maxFramePixels: 4096 * 2304,
  maxSpoolBytes: 256 * 1024 * 1024,
  stallTimeoutMs: 20_000,
  // A frame at 512 x 288 is 221 kB: four smooth over the sender's packets and stay under 1 MB.
  maxQueuedFrames: 4,
};

/** What the models see at most; finer detail is not used between keyframes. */
export const defaultAnalysisLongSide = 512;

/**
 * Spare frames that all streams of a decoder share: what two streams hold to go back to, 27 MB of
 * 512 x 288.
 */
const maxSpareFrames = 128;

/**
 * Makes a decoder: one ffmpeg child per stream, from its first chunk to its end. Frames are yuv420p in
 * limited range. Streams use each other's memory again.
 */
export function createDecoder(options: DecoderOptions): Decode {
  const limits = { ...defaultLimits, ...withoutUndefined(options) };
  const longSide = options.analysisLongSide ?? defaultAnalysisLongSide;
  const pool = new FramePool(maxSpareFrames, yuv420Bytes({ width: longSide, height: longSide }));
  return (
    chunks,
    { container, frameRate, framesSkippedBefore, maxFramePixels, yields, signal },
  ) => ({
    [Symbol.asyncIterator]: () => {
      // Its own signal: `return` must end a `next` that is still waiting.
      const ending = new AbortController();
      const inner = decodeFrames(chunks, {
        format: container,
        frameRate,
        ...(framesSkippedBefore === undefined ? {} : { framesSkippedBefore }),
        ...(yields === undefined ? {} : { yields }),
        signal: AbortSignal.any([signal, ending.signal]),
        ffmpeg: options.ffmpeg,
        limits: {
          ...limits,
          maxFramePixels: Math.min(limits.maxFramePixels, maxFramePixels ?? Infinity),
        },
        longSide,
        pool,
      });
      return {
        next: () => inner.next(),
        return: async () => {
          ending.abort();
          await inner.return().catch(() => undefined);
          return { done: true, value: undefined };
        },
      };
    },
  });
}

/** What {@link createDecoder} and the image decoder share. */
export async function* decodeFrames(
  chunks: AsyncIterable<Uint8Array>,
  options: {
    readonly format: StreamFormat;
    readonly frameRate: number | null;
    readonly framesSkippedBefore?: DecodeOptions['framesSkippedBefore'];
    readonly yields?: boolean;
    readonly signal: AbortSignal;
    readonly ffmpeg: FfmpegBinary;
    readonly still?: StillInput;
    readonly uprightFilters?: readonly string[];
    readonly limits: DecodeLimits;
    readonly longSide: number;
    /** Default: one of its own. */
    readonly pool?: FramePool;
  },
): AsyncGenerator<DecodeEvent, void, void> {
  const { longSide, pool = new FramePool() } = options;
  const clock = new FrameClock();
  const onCanvas = !writesAnySize(options.ffmpeg);
  const events = decodePictures<DecodedPicture>(chunks, {
    ...options,
    binary: options.ffmpeg,
    shape: { kind: 'analysis', longSide, onCanvas },
    openPicture: (context) => openFrame(context, { pool, clock, longSide, onCanvas }),
  });
  let last: Frame | null = null;
  for await (const event of events) {
    if (event.kind !== 'picture') {
      yield event;
      continue;
    }
    const { frame, format, position } = event.picture;
    if (last === null || !sameSize(last, frame)) {
      let handedOver = false;
      try {
        yield { kind: 'format', format };
        handedOver = true;
      } finally {
        if (!handedOver) frame.close();
      }
    }
    last = frame;
    yield { kind: 'frame', frame, ...(position === null ? {} : { position }) };
  }
}

type DecodedPicture = {
  readonly frame: Frame;
  readonly format: VideoFormat;
  readonly position: number | null;
};

function openFrame(
  context: PictureContext,
  options: {
    readonly pool: FramePool;
    readonly clock: FrameClock;
    readonly longSide: number;
    readonly onCanvas: boolean;
  },
): PictureSlot<DecodedPicture> {
  const { note, index, stream, syntheticRate } = context;
  checkSides(note.scaled, options.longSide);
  const frame = options.pool.create({
    index,
    timestampUs: options.clock.timestampUs(context),
    timestampSynthetic: syntheticRate !== null,
    analysis: note.scaled,
    display: note.display,
    decodedAtMs: performance.now(),
  });
  const format = {
    fromFrameIndex: index,
    display: note.display,
    analysis: note.scaled,
    frameRate: syntheticRate ?? stream.frameRate,
    codec: stream.codec,
  };
  const planes = options.onCanvas ? planesOnCanvas(frame, options.longSide) : [allOf(frame.data)];
  return {
    picture: { frame, format, position: note.position },
    planes,
    discard: () => frame.close(),
  };
}

/** The log is text, and a file's tags are in it: what it claims must at least fit. */
function checkSides({ width, height }: Size, longSide: number): void {
  const fits = (side: number): boolean => side >= 2 && side <= longSide && side % 2 === 0;
  if (fits(width) && fits(height)) return;
  const message = `expected even sides of 2 to ${longSide} pixels from ffmpeg, got ${width}x${height}`;
  throw new SegmentationError('decoder-failed', message);
}

/** The three planes of `frame` within ffmpeg's square canvas. */
function planesOnCanvas(frame: Frame, canvasSide: number): PlaneWindow[] {
  const { width, height } = frame.analysis;
  const chromaBytes = (width * height) / 4;
  const luma = width * height;
  const half = canvasSide / 2;
  const plane = (from: number, bytes: number, stride: number, rowBytes: number): PlaneWindow => ({
    target: frame.data.subarray(from, from + bytes),
    strideBytes: stride,
    canvasRows: stride,
    rowBytes,
    rows: bytes / rowBytes,
  });
  return [
    plane(0, luma, canvasSide, width),
    plane(luma, chromaBytes, half, width / 2),
    plane(luma + chromaBytes, chromaBytes, half, width / 2),
  ];
}

/** Presentation times: the container's, or counted where it has none. */
export class FrameClock {
  #lastUs: number | null = null;

  timestampUs({ note, index, stream, syntheticRate }: PictureContext): number {
    if (syntheticRate !== null) return Math.round((index * microsecondsPerSecond) / syntheticRate);
    if (note.pts === null) {
      const stepUs = Math.round(microsecondsPerSecond / (stream.frameRate ?? 30));
      this.#lastUs = this.#lastUs === null ? 0 : this.#lastUs + stepUs;
    } else {
      this.#lastUs = microsecondsFromTicks(note.pts, note.timeBase);
    }
    if (Number.isSafeInteger(this.#lastUs)) return this.#lastUs;
    throw new SegmentationError(
      'undecodable-video',
      `expected times within ±(2^53 - 1) microseconds, frame ${index} is at ${this.#lastUs}`,
    );
  }
}

function sameSize(a: Frame, b: Frame): boolean {
  return (
    a.display.width === b.display.width &&
    a.display.height === b.display.height &&
    a.analysis.width === b.analysis.width &&
    a.analysis.height === b.analysis.height
  );
}

function withoutUndefined(options: DecoderOptions): Partial<DecodeLimits> {
  const { maxFramePixels, maxSpoolBytes, stallTimeoutMs, maxQueuedFrames } = options;
  const given = { maxFramePixels, maxSpoolBytes, stallTimeoutMs, maxQueuedFrames };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
