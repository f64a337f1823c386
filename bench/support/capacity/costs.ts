import { z } from 'zod';

const milliseconds = z.number().nonnegative();

/** What one camera costs a server, as `bench capacity` measures it. Milliseconds are of one core. */
export const streamCosts = z.strictObject({
  /** What was measured, for people. */
  name: z.string(),
  frameRate: z.number().positive(),
  /** ffmpeg, a frame. */
  decodeMs: milliseconds,
  /**
   * The server's main thread: a frame, a second whatever it serves, and each time it wakes, having had
   * nothing to do. A busy thread wakes less often, and does more for less.
   */
  mainMs: milliseconds,
  mainMsPerSecond: milliseconds,
  wakeMs: milliseconds,
  /** Optical flow and propagation of all objects, and making the masks that are sent, a frame. */
  flowMs: milliseconds,
  outputMs: milliseconds,
  /** Refining doubtful masks, on the frames where there are any, and the share of these. */
  refineMs: milliseconds,
  refinedShare: z.number().min(0).max(1),
  /** One keyframe on all cores it takes, so many cores at once, and frames from one to the next. */
  keyframeMs: milliseconds,
  keyframeCores: z.number().positive(),
  /** Of a keyframe's work, what the encoder does. */
  encoderShare: z.number().min(0).max(1),
  framesBetweenKeyframes: z.number().positive(),
  /** The first prompt's keyframe: its pass and its flip pass. */
  promptMs: milliseconds,
  /** Spread of all these about their means: sigma of a log-normal factor of mean 1. */
  variation: z.number().nonnegative(),
  /** Sending the video and reading the answers, a frame, where the client runs on the same machine. */
  clientMs: milliseconds,
  /** Frames from one at which decoding can begin to the next. */
  framesPerGroup: z.number().positive(),
  /** Encoded video in and answers out, a frame. */
  bytesIn: z.number().nonnegative(),
  bytesOut: z.number().nonnegative(),
});

/** See {@link streamCosts}. */
export type StreamCosts = z.infer<typeof streamCosts>;

/** A file of `bench capacity`. */
export const costsFile = z.strictObject({
  machine: z.string(),
  date: z.string(),
  streams: z.array(streamCosts).min(1),
});

/** See {@link costsFile}. */
export type CostsFile = z.infer<typeof costsFile>;

/** Core milliseconds a second that one camera takes when nothing gives way. */
export function coreMsPerSecond(costs: StreamCosts): number {
  const { decodeMs, mainMs, flowMs, outputMs, refineMs, refinedShare } = costs;
  const keyframe = costs.keyframeMs / costs.framesBetweenKeyframes;
  const frame = decodeMs + mainMs + flowMs + outputMs + refineMs * refinedShare + keyframe;
  return frame * costs.frameRate;
}
