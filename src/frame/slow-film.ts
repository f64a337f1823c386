import { microsecondsPerSecond } from './time.ts';

/** Frames a second of the films that intervals and losses in frames were fitted on. */
const usualFrameRate = 24;

const usualFrameUs = microsecondsPerSecond / usualFrameRate;

/**
 * How much further apart than usual the frames of a stretch of video are: 1 up to the usual distance
 * and where timestamps stand still or go back. The whole stretch is measured and not each frame, so
 * that jitter cancels out. What moves, and how far a mask falls behind, goes with time.
 */
export function slowness(frames: number, elapsedUs: number): number {
  return Math.max(1, elapsedUs / (usualFrameUs * Math.max(1, frames)));
}

/** How many frames of usual film lie in a stretch of so many frames and so much time, or those where it is faster. */
export function usualFrames(frames: number, elapsedUs: number): number {
  return frames * slowness(frames, elapsedUs);
}

/**
 * For how many usual frames each frame of a stretch counts when keyframes are planned. Each stands for
 * longer, and there are fewer to propagate in a second; what that saves goes to keyframes: with this
 * exponent a second of film costs no more CPU at any rate than at the usual one, where a keyframe costs
 * as much as three or four frames.
 */
export function keyframeWeight(frames: number, elapsedUs: number): number {
  const ratio = slowness(frames, elapsedUs);
  return ratio * Math.sqrt(ratio);
}

/** How many frames a stretch counts for when keyframes are planned. */
export function plannedFrames(frames: number, elapsedUs: number): number {
  return frames * keyframeWeight(frames, elapsedUs);
}
