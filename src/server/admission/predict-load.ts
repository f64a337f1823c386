import { keyframeWeight } from '../../frame/slow-film.ts';
import { microsecondsPerSecond } from '../../frame/time.ts';
import type { PredictLoad, StreamExpectation } from './stream-demand.ts';

/** What was measured on this machine before it served: CPU milliseconds of one run of each part. */
export type MeasuredCosts = {
  readonly encodeMs: number;
  /** One object. */
  readonly decodeMs: number;
  /** One object; 0 where the model has no refiner. */
  readonly refineMs: number;
  /** Optical flow of one frame; tells this machine's speed from that of the figures below. */
  readonly flowMs: number;
  /** Cores that one run of the model keeps busy at most. */
  readonly parallelism: number;
};

/*
 * CPU milliseconds of what is not measured at the start, on the machine of docs/benchmarks.md, whose
 * flow takes `flowMs`; fitted to `npm run bench admission-cost` there (29 November 2026).
 */
const reference = {
  flowMs: 0.84,
  /** Of a frame whatever is in it: gRPC, the order of things, history, garbage collection. */
  frameMs: 3.2,
  /** Of an object on a frame: moving its mask, delivering it. */
  objectMs: 0.6,
  /** Decoding H.264 of constant quality, of any frame and of each million pixels. */
  decodeFrameMs: 1.1,
  decodeMegapixelMs: 3.4,
};

/** The part of objects that the refiner looks at; good masks are left as they are. */
const refinedShare = 0.75;

/** A calm scene has its keyframes nearly as late as may be. */
const calmness = 0.9;

/** Predicts cores from the parts of a frame: decoding, tracking, refining, and its share of a keyframe. */
export function loadPredictor(costs: MeasuredCosts): PredictLoad {
  const slowness = costs.flowMs / reference.flowMs;
  return (expected) => {
    const { size, frameRate, objects, delivery } = expected;
    const megapixels = (size.width * size.height) / 1e6;
    const decodingMs = reference.decodeFrameMs + megapixels * reference.decodeMegapixelMs;
    const trackingMs = reference.frameMs + objects * reference.objectMs;
    const refiningMs = objects * refinedShare * costs.refineMs;
    const everyFrameMs = slowness * (decodingMs + trackingMs) + costs.flowMs + refiningMs;
    const keyframeMs = costs.encodeMs + objects * costs.decodeMs;
    const keyframes = (frameRate / keyframeInterval(expected)) * (keyframeMs / 1000);
    // LATEST runs one keyframe at a time, and where that is too slow, fewer of them.
    const model = delivery === 'latest' ? Math.min(costs.parallelism, keyframes) : keyframes;
    return (frameRate * everyFrameMs) / 1000 + model;
  };
}

/** Frames from one keyframe to the next. */
function keyframeInterval({ keyframes, seenInterval, frameRate }: StreamExpectation): number {
  if (seenInterval !== null) return seenInterval;
  if (keyframes.kind === 'fixed') return keyframes.intervalFrames;
  const { minIntervalFrames, maxIntervalFrames, intervalsAreTimes } = keyframes;
  const interval = calmness * maxIntervalFrames + (1 - calmness) * minIntervalFrames;
  if (!intervalsAreTimes) return interval;
  return Math.max(1, interval / keyframeWeight(1, microsecondsPerSecond / frameRate));
}
