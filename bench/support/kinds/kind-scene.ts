import type { Layer } from '../../../src/cli/demo/scene-layers.ts';
import { createScene, type Scene } from '../../../src/cli/demo/scene.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import type { Cast } from './cast.ts';

/** One clip of a kind: a scene and which of its objects are prompted. */
export type KindScene = {
  readonly scene: Scene;
  /** Others are known too, so that a mask which goes over to one of them is seen to. */
  readonly follows: ReadonlySet<number>;
};

/** How one clip differs from another of its kind. */
export type Take = {
  readonly size: Size;
  readonly seed: number;
  readonly cast: Cast;
};

/** A scene of layers before the cast's ground, in which every object is followed. */
export function kindScene(
  { size, seed, cast }: Take,
  frameCount: number,
  layers: readonly Layer[],
): KindScene {
  const all = cast.ground === null ? layers : [cast.ground, ...layers];
  const scene = createScene({ size, frameCount, seed, layers: all });
  return { scene, follows: new Set(scene.objectIds) };
}
