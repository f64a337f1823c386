import type { Colour } from '../../../src/cli/demo/scene-layers.ts';
import { createNoise, sampleTexture, type Texture } from '../../../src/cli/demo/textures.ts';
import { randomNumbers } from '../random-numbers.ts';
import type { Actor } from './actor.ts';

const textureSide = 256;
/** Texels along the radius of an actor. */
const textureScale = 90;

const skin: Colour = [214, 168, 138];
const shirts: readonly Colour[] = [
  [190, 45, 50],
  [45, 80, 170],
  [225, 190, 60],
  [60, 140, 80],
  [230, 230, 225],
  [130, 70, 150],
];
const trousers: readonly Colour[] = [
  [45, 50, 70],
  [95, 80, 65],
  [30, 30, 32],
  [120, 125, 130],
];

/** A striped lump of one colour, all but round. The same seed gives the same one. */
export function lump(seed: number): Actor {
  const random = randomNumbers(seed);
  const [hue, one, two, width] = [random(), random(), random(), random()];
  const texture = createNoise(textureSide, seed);
  const colour = hueColour(hue);
  const rim = (angle: number) =>
    0.82 + 0.12 * Math.sin(3 * angle + 6 * one) + 0.06 * Math.sin(5 * angle + 6 * two);
  return {
    core: { x: 0, y: 0, radius: 0.64 },
    inside: (x, y) => Math.hypot(x, y) < rim(Math.atan2(y, x)),
    colour: (x, y) => {
      const wave = Math.sin((9 + 8 * width) * x + 2.5 * grain(texture, x, y));
      return lit(colour, (wave > 0 ? 1 : 0.6) * (0.7 + 0.6 * grain(texture, y, x)));
    },
  };
}

/** Two spoked wheels and a frame of thin tubes: the ground shows through most of it. */
export function bicycle(seed: number): Actor {
  const texture = createNoise(textureSide, seed);
  const colour = shirts[seed % shirts.length]!;
  const tubes: readonly Tube[] = [
    [-0.53, 0.25, -0.2, -0.3],
    [-0.2, -0.3, 0.35, -0.3],
    [-0.2, -0.3, -0.02, 0.25],
    [-0.02, 0.25, 0.35, -0.3],
    [-0.53, 0.25, -0.02, 0.25],
    [0.53, 0.25, 0.33, -0.5],
    [0.33, -0.5, 0.5, -0.55],
    [-0.32, -0.4, -0.08, -0.4],
  ];
  const wheels = [-0.53, 0.53] as const;
  const isTyre = (x: number, y: number) =>
    wheels.some((centre) => Math.abs(Math.hypot(x - centre, y - 0.25) - 0.38) < 0.045);
  return {
    core: { x: -0.53, y: 0.25, radius: 0.035 },
    inside: (x, y) => isTyre(x, y) || tubes.some((tube) => distanceTo(tube, x, y) < 0.04),
    colour: (x, y) => lit(isTyre(x, y) ? [50, 50, 52] : colour, 0.7 + 0.6 * grain(texture, x, y)),
  };
}

/** A wide flat ring, a tenth of the picture of which is hole. */
export function ring(seed: number): Actor {
  const base = lump(seed);
  return {
    core: { x: 0.75, y: 0, radius: 0.2 },
    inside: (x, y) => Math.abs(Math.hypot(x, y) - 0.75) < 0.22,
    colour: base.colour,
  };
}

/** A standing person: head, shirt and trousers have nothing of their colours in common. */
export function figure(seed: number): Actor {
  const random = randomNumbers(seed);
  const texture = createNoise(textureSide, seed);
  const shirt = shirts[Math.floor(random() * shirts.length)]!;
  const legs = trousers[Math.floor(random() * trousers.length)]!;
  return {
    core: { x: 0, y: -0.2, radius: 0.22 },
    inside: (x, y) => isHead(x, y) || isTorso(x, y) || isLeg(x, y),
    colour: (x, y) => {
      const cloth = y >= 0.1 ? legs : shirt;
      const colour = isHead(x, y) ? (y < -0.84 ? [70, 50, 40] : skin) : cloth;
      return lit(colour as Colour, 0.65 + 0.7 * grain(texture, x, y));
    },
  };
}

function isHead(x: number, y: number): boolean {
  return Math.hypot(x, y + 0.76) < 0.19;
}

function isTorso(x: number, y: number): boolean {
  return y >= -0.58 && y < 0.12 && Math.abs(x) < 0.27 - 0.05 * y;
}

function isLeg(x: number, y: number): boolean {
  return y >= 0.1 && y < 0.94 && Math.abs(x) < 0.25 && Math.abs(x) > 0.1 * (y - 0.1);
}

/** An arm or a leg: its joint is the centre, it hangs down to distance 1. */
export function limb(seed: number, colour: Colour = skin): Actor {
  const texture = createNoise(textureSide, seed);
  return {
    core: { x: 0, y: 0.5, radius: 0.12 },
    inside: (x, y) => distanceTo([0, 0.06, 0, 0.86], x, y) < 0.14,
    colour: (x, y) => lit(colour, 0.65 + 0.7 * grain(texture, x, y)),
  };
}

type Tube = readonly [fromX: number, fromY: number, toX: number, toY: number];

function distanceTo([fromX, fromY, toX, toY]: Tube, x: number, y: number): number {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const along = ((x - fromX) * dx + (y - fromY) * dy) / (dx * dx + dy * dy);
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(x - fromX - share * dx, y - fromY - share * dy);
}

/** 0..1 at a place of an actor. */
function grain(texture: Texture, x: number, y: number): number {
  return sampleTexture(texture, 500 + x * textureScale, 500 + y * textureScale);
}

function lit([red, green, blue]: Colour, light: number): Colour {
  return [red * light, green * light, blue * light];
}

/** A strong colour of a hue, 0..1. */
function hueColour(hue: number): Colour {
  const channel = (offset: number) => 140 + 90 * Math.cos(2 * Math.PI * (hue + offset));
  return [channel(0), channel(1 / 3), channel(2 / 3)];
}
