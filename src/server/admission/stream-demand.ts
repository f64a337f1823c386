import { SegmentationError } from '../../frame/errors.ts';
import type { Size } from '../../frame/geometry.ts';
import type { Delivery } from '../../frame/prompt.ts';
import type { KeyframeOptions } from '../../pipeline/session-types.ts';
import type { Demand, LoadShare } from './load-ledger.ts';

/** What is expected of a stream. */
export type StreamExpectation = {
  /** As displayed. */
  readonly size: Size;
  /** Frames a second. */
  readonly frameRate: number;
  readonly objects: number;
  readonly delivery: Delivery;
  readonly keyframes: KeyframeOptions;
  /** Frames between its keyframes, as seen; null: not yet. */
  readonly seenInterval: number | null;
};

/** Predicts the work of a stream in cores. */
export type PredictLoad = (expected: StreamExpectation) => number;

/** A stream that says nothing of itself is taken for a camera of the usual kind. */
const usualSize: Size = { width: 1280, height: 720 };
const usualFrameRate = 30;

/** So many answered frames say what the rate and the number of objects really are. */
const firstFrames = 30;

/** So many say how often keyframes come; they are counted anew from then on. */
const seenFrames = 300;

/** What a config says of the video. */
export type StatedVideo = {
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number | null;
};

/**
 * One stream's demand, from its config's expectations to what its first frames show. What does not
 * fit then ends the stream; what comes later, such as more objects, is counted and ends nothing.
 */
export class StreamDemand {
  readonly #share: LoadShare;
  readonly #predict: PredictLoad;
  #expected: StreamExpectation;
  #answered = 0;
  #keyframes = 0;
  #first: { readonly frameIndex: number; readonly timestampUs: number } | null = null;

  /** Throws `no-capacity` where the config's expectations do not fit. */
  constructor(
    stated: StatedVideo,
    stream: Pick<StreamExpectation, 'keyframes' | 'delivery' | 'objects'>,
    parts: { readonly share: LoadShare; readonly predict: PredictLoad },
  ) {
    this.#share = parts.share;
    this.#predict = parts.predict;
    this.#expected = {
      ...stream,
      objects: Math.max(1, stream.objects),
      size: sizeOf(stated),
      frameRate: stated.frameRate ?? usualFrameRate,
      seenInterval: null,
    };
    this.#take();
  }

  /** The decoder knows the video. Throws `no-capacity` where it does not fit after all. */
  begin(size: Size, frameRate: number | null): void {
    const known = frameRate ?? this.#expected.frameRate;
    this.#expected = { ...this.#expected, size, frameRate: known };
    this.#take();
  }

  /** A frame was answered. Throws `no-capacity` after the first ones, where those do not fit. */
  answered(frame: {
    readonly frameIndex: number;
    readonly timestampUs: number;
    readonly objects: number;
    readonly isKeyframe: boolean;
  }): void {
    this.#first ??= frame;
    this.#countKeyframes(frame.isKeyframe);
    const objects = Math.max(1, frame.objects);
    const isDue = this.#answered === firstFrames;
    if (!isDue && objects === this.#expected.objects) return;
    this.#expected = { ...this.#expected, objects };
    if (!isDue) return this.#share.count(this.#demand());
    const { frameIndex, timestampUs } = this.#first;
    const seconds = (frame.timestampUs - timestampUs) / 1e6;
    const frameRate = (frame.frameIndex - frameIndex) / seconds;
    if (frameRate > 0 && Number.isFinite(frameRate)) {
      this.#expected = { ...this.#expected, frameRate };
    }
    this.#take();
  }

  #countKeyframes(isKeyframe: boolean): void {
    this.#answered++;
    if (isKeyframe) this.#keyframes++;
    if (this.#answered % seenFrames !== 0) return;
    const seenInterval = seenFrames / Math.max(1, this.#keyframes);
    this.#keyframes = 0;
    this.#expected = { ...this.#expected, seenInterval };
    this.#share.count(this.#demand());
  }

  #take(): void {
    try {
      this.#share.take(this.#demand());
    } catch (reason) {
      const { code, message, retryAfterMs } = SegmentationError.from(reason);
      const hint = retryAfterMs === null ? {} : { retryAfterMs };
      throw new SegmentationError(code, `${message}: ${this.#fitting()}`, hint);
    }
  }

  #demand(of: StreamExpectation = this.#expected): Demand {
    const { size, frameRate } = of;
    return { load: this.#predict(of), pixelsPerSecond: size.width * size.height * frameRate };
  }

  /** What would fit of the same video: fewer frames, or smaller ones. */
  #fitting(): string {
    const { size, frameRate } = this.#expected;
    const fits = (of: StreamExpectation) => {
      const { load, pixelsPerSecond } = this.#demand(of);
      const room = this.#share.room();
      return load <= room.load && pixelsPerSecond <= room.pixelsPerSecond;
    };
    const rates = [25, 20, 15, 12, 10, 8, 6, 5, 4, 3, 2, 1].filter((rate) => rate < frameRate);
    const rate = rates.find((fewer) => fits({ ...this.#expected, frameRate: fewer }));
    const smaller = [0.75, 0.5, 0.375, 0.25].map((scale) => ({
      width: Math.round(size.width * scale),
      height: Math.round(size.height * scale),
    }));
    const fitting = smaller.find((less) => fits({ ...this.#expected, size: less }));
    const ways = [
      ...(rate === undefined ? [] : [`${rate} frames a second at ${size.width} x ${size.height}`]),
      ...(fitting === undefined
        ? []
        : [`${fitting.width} x ${fitting.height} at ${round(frameRate)} frames a second`]),
    ];
    return ways.length === 0
      ? 'nothing of this video would fit'
      : `${ways.join(', or ')} would fit`;
  }
}

function sizeOf({ width, height }: StatedVideo): Size {
  const { width: usualWidth, height: usualHeight } = usualSize;
  if (width !== null && height !== null) return { width, height };
  if (width !== null) return { width, height: Math.round((width * usualHeight) / usualWidth) };
  if (height !== null) return { width: Math.round((height * usualWidth) / usualHeight), height };
  return usualSize;
}

function round(rate: number): number {
  return Math.round(rate * 100) / 100;
}
