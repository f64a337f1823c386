import type { Point, Size } from '../../../src/frame/geometry.ts';
import { randomNumbers } from '../random-numbers.ts';
import type { Actor, Path } from './actor.ts';

/** Wanders about a place, without leaving it by more than a quarter of the picture's height. */
export function wander(size: Size, place: Point, radius: number, seed: number): Path {
  const random = randomNumbers(seed);
  const [one, two, pace] = [6 * random(), 6 * random(), 0.8 + 0.4 * random()];
  const reach = 0.22 * size.height;
  return (time) => ({
    x: place.x + 1.4 * reach * Math.sin((pace * time) / 22 + one),
    y: place.y + reach * Math.sin((pace * time) / 17 + two),
    turn: 0.25 * Math.sin(time / 19 + one),
    scale: radius,
  });
}

/** Moves evenly along a straight line: there at frame `crossesAt`. */
export function pass(
  through: Point,
  velocity: Point,
  { crossesAt, radius }: { readonly crossesAt: number; readonly radius: number },
): Path {
  return (time) => ({
    x: through.x + velocity.x * (time - crossesAt),
    y: through.y + velocity.y * (time - crossesAt),
    turn: 0,
    scale: radius,
  });
}

/** When a growing object does what, in frames. */
export type GrowthTimes = {
  readonly still: number;
  readonly grows: number;
  readonly full: number;
  readonly shrinks: number;
  readonly back: number;
};

/** It comes, stays and goes back within three and a half seconds. */
export const slowGrowth: GrowthTimes = { still: 20, grows: 30, full: 15, shrinks: 30, back: 30 };

/** It jumps at the camera within less than half a second. */
export const jump: GrowthTimes = { still: 20, grows: 12, full: 15, shrinks: 20, back: 30 };

/** Frames of a clip of a growing object. */
export function growthFrames({ still, grows, full, shrinks, back }: GrowthTimes): number {
  return still + grows + full + shrinks + back;
}

/**
 * Comes at the camera until it fills the picture, stays, and goes back to where it was.
 *
 * @param fillRatio 1: its core reaches the corners of the picture; less leaves some ground in sight
 */
export function growAndShrink(
  size: Size,
  { core }: Actor,
  {
    place,
    radius,
    fillRatio,
    times,
  }: {
    readonly place: Point;
    readonly radius: number;
    readonly fillRatio: number;
    readonly times: GrowthTimes;
  },
): Path {
  const fullRadius = (fillRatio * Math.hypot(size.width, size.height)) / 2 / core.radius;
  return (time) => {
    const share = growthShare(time, times);
    const scale = radius * (fullRadius / radius) ** share;
    const middle = { x: size.width / 2, y: size.height / 2 };
    return {
      x: place.x + (middle.x - place.x) * share - core.x * share * scale,
      y: place.y + (middle.y - place.y) * share - core.y * share * scale,
      turn: 0.1 * Math.sin(time / 21),
      scale,
    };
  };
}

/** 0: as at first; 1: it fills the picture. */
function growthShare(time: number, { still, grows, full, shrinks }: GrowthTimes): number {
  const rising = (time - still) / grows;
  const falling = (still + grows + full + shrinks - time) / shrinks;
  return Math.min(1, Math.max(0, Math.min(rising, falling)));
}
