import type { Point, Size } from '../../frame/geometry.ts';
import type { Texture } from './textures.ts';
import { createNoise, sampleTexture } from './textures.ts';

/** 0..255; more is white. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Centre in picture pixels, turn in radians, and picture pixels for each of the shape's own. */
export type Pose = Point & {
  readonly turn: number;
  /** Default: 1. */
  readonly scale?: number;
};

/** A shape whose pixels are known: `inside` and `colour` in the shape's own coordinates. */
export type Layer = {
  readonly objectId: number | null;
  /** Distance from its centre, in the shape’s own coordinates, beyond which nothing of it lies. */
  readonly reach: number;
  /** Where it is at a time in frames. */
  readonly pose: (time: number) => Pose;
  readonly inside: (x: number, y: number) => boolean;
  readonly colour: (x: number, y: number) => Colour;
};

/** From back to front: later layers hide earlier ones. */
export function createLayers(size: Size, frameCount: number, seed: number): Layer[] {
  const skin = createNoise(256, seed + 1);
  const wood = createNoise(256, seed + 2);
  const unit = size.height / 360;
  const noiseAt = (texture: Texture, x: number, y: number, scale: number) =>
    sampleTexture(texture, (x / unit) * scale + 500, (y / unit) * scale + 500);
  const striped: Layer = {
    objectId: 1,
    reach: 80 * unit,
    pose: (time) => ({
      x: size.width * (0.17 + (0.66 * time) / frameCount),
      y: size.height * (0.42 + 0.1 * Math.sin(time / 17)),
      turn: 0.3 * Math.sin(time / 23),
    }),
    inside: (x, y) => {
      const angle = Math.atan2(y, x);
      const rim = 54 + 9 * Math.sin(3 * angle + 1) + 5 * Math.sin(5 * angle);
      return Math.hypot(x, y) < rim * unit;
    },
    colour: (x, y) => {
      const stripe = Math.sin((x / unit) * 0.28 + 2 * noiseAt(skin, x, y, 0.5)) > 0 ? 1 : 0.55;
      const light = stripe * (0.75 + 0.5 * noiseAt(skin, x, y, 1.5));
      return [225 * light, 120 * light, 45 * light];
    },
  };
  const speckled: Layer = {
    objectId: 2,
    reach: 70 * unit,
    pose: (time) => ({
      x: size.width * (0.74 - 0.1 * Math.sin(time / 31)),
      y: size.height * (0.72 + 0.07 * Math.cos(time / 13)),
      turn: time / 90,
    }),
    inside: (x, y) => Math.abs(x / 62) ** 3 + Math.abs(y / 40) ** 3 < unit ** 3,
    colour: (x, y) => {
      const speckle = noiseAt(skin, x, y, 2.5) > 0.55 ? 1.25 : 0.7;
      const light = speckle * (0.7 + 0.4 * noiseAt(wood, x, y, 0.8));
      return [60 * light, 130 * light, 215 * light];
    },
  };
  const post: Layer = {
    objectId: null,
    reach: size.height,
    // Nearer than the ground, so the camera's pan moves it faster.
    pose: (time) => ({
      x: size.width * (0.62 - (0.14 * time) / frameCount),
      y: size.height / 2,
      turn: 0.05,
    }),
    inside: (x) => Math.abs(x) < 17 * unit,
    colour: (x, y) => {
      const grain = 0.6 + 0.6 * sampleTexture(wood, (x / unit) * 3, (y / unit) * 0.4);
      return [120 * grain, 96 * grain, 70 * grain];
    },
  };
  return [striped, post, speckled];
}
