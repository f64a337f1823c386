import type { Size } from '../../frame/geometry.ts';
import type { Mask } from '../../frame/mask.ts';
import { maskFromBitmap } from '../../frame/mask.ts';
import type { RgbPicture } from '../output/draw-overlay.ts';
import type { Texture } from './textures.ts';
import { createNoise, createRandom, sampleTexture } from './textures.ts';
import type { Layer } from './scene-layers.ts';
import { createLayers } from './scene-layers.ts';

/** One picture of the scene and what is visible of each object in the middle of its exposure. */
export type SceneFrame = {
  readonly picture: RgbPicture;
  readonly masks: ReadonlyMap<number, Mask>;
};

/** A clip whose true masks are known. */
export type Scene = {
  readonly size: Size;
  readonly frameRate: number;
  readonly frameCount: number;
  readonly objectIds: readonly number[];
  render(frameIndex: number): SceneFrame;
};

/** Options of {@link createScene}. */
export type SceneOptions = {
  readonly size: Size;
  readonly frameCount: number;
  readonly seed: number;
  /** What stands before the ground, from back to front. Default: {@link createLayers}. */
  readonly layers?: readonly Layer[];
};

/** Moments of one exposure that are averaged: motion blur over half of the frame's time. */
const exposures = [-0.25, 0, 0.25];
const noiseAmplitude = 14;

/**
 * Two textured objects before a moving camera; object 1 passes behind a post. Noise and motion blur
 * as a camera has them. The same seed gives the same pixels.
 */
export function createScene(options: SceneOptions): Scene {
  const { size, frameCount, seed } = options;
  const ground = createNoise(512, seed);
  const layers = options.layers ?? createLayers(size, frameCount, seed);
  const objectIds = layers.flatMap(({ objectId }) => (objectId === null ? [] : [objectId]));
  return {
    size,
    frameCount,
    frameRate: 30,
    objectIds: [...new Set(objectIds)],
    render: (frameIndex) => {
      const sum = new Float32Array(size.width * size.height * 3);
      const exposure = new Float32Array(sum.length);
      const owners = new Uint8Array(size.width * size.height);
      // The camera pans slowly: its blur over one exposure is below a pixel.
      const still = paintGround(size, ground, frameIndex);
      for (const offset of exposures) {
        const time = frameIndex + offset;
        exposure.set(still);
        const target = { size, pixels: exposure, owners: offset === 0 ? owners : null };
        for (const layer of layers) paintLayer(target, layer, time);
        for (let at = 0; at < sum.length; at++) sum[at] = sum[at]! + exposure[at]!;
      }
      const data = develop(sum, createRandom(seed + 7919 * (frameIndex + 1)));
      const masks = new Map<number, Mask>();
      for (const { objectId } of layers) {
        if (objectId === null) continue;
        const bitmap = owners.map((owner) => (owner === objectId ? 1 : 0));
        masks.set(objectId, maskFromBitmap(bitmap, size));
      }
      return { picture: { size, data }, masks };
    },
  };
}

type Exposure = {
  readonly size: Size;
  /** RGB, row-major. */
  readonly pixels: Float32Array;
  /** The object that each pixel shows, 0 for none; null where nobody asks. */
  readonly owners: Uint8Array | null;
};

function paintGround(size: Size, ground: Texture, time: number): Float32Array {
  const pixels = new Float32Array(size.width * size.height * 3);
  const unit = size.height / 360;
  const panX = 1.3 * time;
  const panY = 9 * Math.sin(time / 40);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const [u, v] = [x / unit + panX, y / unit + panY];
      const fine = sampleTexture(ground, u * 3.1, v * 3.1) - 0.5;
      const light = 0.35 + 0.75 * sampleTexture(ground, u, v) + 0.25 * fine;
      const at = (y * size.width + x) * 3;
      pixels[at] = 110 * light;
      pixels[at + 1] = 140 * light;
      pixels[at + 2] = 95 * light + 18;
    }
  }
  return pixels;
}

function paintLayer({ pixels, owners, size }: Exposure, layer: Layer, time: number): void {
  const pose = layer.pose(time);
  const { scale = 1 } = pose;
  const [cosine, sine] = [Math.cos(pose.turn) / scale, Math.sin(pose.turn) / scale];
  const reach = layer.reach * scale;
  const right = Math.min(size.width, Math.ceil(pose.x + reach));
  const bottom = Math.min(size.height, Math.ceil(pose.y + reach));
  for (let y = Math.max(0, Math.floor(pose.y - reach)); y < bottom; y++) {
    for (let x = Math.max(0, Math.floor(pose.x - reach)); x < right; x++) {
      // Pixel centres, turned into the shape's own coordinates.
      const [dx, dy] = [x + 0.5 - pose.x, y + 0.5 - pose.y];
      const [u, v] = [cosine * dx + sine * dy, cosine * dy - sine * dx];
      if (!layer.inside(u, v)) continue;
      const at = y * size.width + x;
      pixels.set(layer.colour(u, v), at * 3);
      if (owners !== null) owners[at] = layer.objectId ?? 0;
    }
  }
}

/** Mean of the exposures plus sensor noise, as rgb24. */
function develop(sum: Float32Array, random: () => number): Uint8Array {
  const data = new Uint8Array(sum.length);
  for (let at = 0; at < sum.length; at++) {
    // The sum of two uniform values: close enough to a sensor's noise, and cheap.
    const noise = (random() + random() - 1) * noiseAmplitude;
    data[at] = Math.max(0, Math.min(255, sum[at]! / exposures.length + noise));
  }
  return data;
}
