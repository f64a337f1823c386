import { FramePool, type Frame } from '../frame/frame.ts';
import type { Box, Size } from '../frame/geometry.ts';

/** A generated picture whose true mask is known. */
export type GoldenPicture = {
  /** One owner; whoever asked for the picture closes it. */
  readonly frame: Frame;
  /** 1 inside the ellipse, row-major over `frame.analysis`. */
  readonly truth: Uint8Array;
  /** Bounds of the ellipse in fractions of the picture. */
  readonly box: Box;
};

const size: Size = { width: 448, height: 252 };
const ellipse = { centreX: 200, centreY: 130, radiusX: 84, radiusY: 62 };
/** Period of the coarsest texture in pixels; finer octaves halve it. */
const texturePeriod = { ground: 56, object: 24 };

/**
 * A textured ellipse on ground of another texture and colour, the same on every machine: it needs no
 * file, and a provider that answers silently wrong fails on it.
 *
 * @param shift pixels that the ellipse lies right of and below its usual place
 */
export function goldenPicture(
  seed: number,
  shift: { readonly x: number; readonly y: number } = { x: 0, y: 0 },
): GoldenPicture {
  const isInside = (x: number, y: number): boolean => isInEllipse(x - shift.x, y - shift.y);
  const frame = new FramePool(0).create({
    index: 0,
    timestampUs: 0,
    timestampSynthetic: true,
    analysis: size,
    display: size,
    decodedAtMs: 0,
  });
  const { width, height } = size;
  const truth = new Uint8Array(width * height);
  const luma = frame.data.subarray(0, width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = isInside(x + 0.5, y + 0.5);
      truth[y * width + x] = inside ? 1 : 0;
      const texture = inside
        ? 150 + 70 * fractalNoise(x, y, texturePeriod.object, seed)
        : 90 + 60 * fractalNoise(x, y, texturePeriod.ground, seed + 1);
      luma[y * width + x] = Math.round(Math.min(235, Math.max(16, texture)));
    }
  }
  paintChroma(frame.data.subarray(width * height), isInside);
  const { centreX, centreY, radiusX, radiusY } = ellipse;
  const box = {
    x: (centreX + shift.x - radiusX) / width,
    y: (centreY + shift.y - radiusY) / height,
    width: (2 * radiusX) / width,
    height: (2 * radiusY) / height,
  };
  return { frame, truth, box };
}

/** IoU of a thresholded low-resolution mask, stretched over the picture, with the truth. */
export function goldenIou(logits: Float32Array, side: number, truth: Uint8Array): number {
  let both = 0;
  let either = 0;
  for (let y = 0; y < size.height; y++) {
    const row = Math.floor(((y + 0.5) * side) / size.height) * side;
    for (let x = 0; x < size.width; x++) {
      const found = logits[row + Math.floor(((x + 0.5) * side) / size.width)]! > 0;
      const there = truth[y * size.width + x] === 1;
      if (found && there) both++;
      if (found || there) either++;
    }
  }
  return either === 0 ? 0 : both / either;
}

function isInEllipse(x: number, y: number): boolean {
  const dx = (x - ellipse.centreX) / ellipse.radiusX;
  const dy = (y - ellipse.centreY) / ellipse.radiusY;
  return dx * dx + dy * dy <= 1;
}

/** Orange on bluish green: colour alone does not decide, but it is there as in a photograph. */
function paintChroma(chroma: Uint8Array, isInside: (x: number, y: number) => boolean): void {
  const width = size.width / 2;
  const height = size.height / 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = isInside(2 * x + 1, 2 * y + 1);
      chroma[y * width + x] = inside ? 100 : 132;
      chroma[width * height + y * width + x] = inside ? 160 : 112;
    }
  }
}

/** Value noise in three octaves, about -1..1. */
function fractalNoise(x: number, y: number, period: number, seed: number): number {
  let sum = 0;
  for (let octave = 0; octave < 3; octave++) {
    const scale = 2 ** octave / period;
    sum += valueNoise(x * scale, y * scale, seed + octave * 101) / 2 ** octave;
  }
  return sum / 1.75;
}

function valueNoise(x: number, y: number, seed: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const across = smooth(x - column);
  const down = smooth(y - row);
  const at = (i: number, j: number): number => lattice(column + i, row + j, seed);
  const top = at(0, 0) + across * (at(1, 0) - at(0, 0));
  const bottom = at(0, 1) + across * (at(1, 1) - at(0, 1));
  return top + down * (bottom - top);
}

/** Eases between lattice points, so that the texture has no creases. */
function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

/** A hash of a lattice point, -1..1. */
function lattice(x: number, y: number, seed: number): number {
  let hash = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 31 - 1;
}
