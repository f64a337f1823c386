import type { Layer, Pose } from '../../../src/cli/demo/scene-layers.ts';
import type { Point } from '../../../src/frame/geometry.ts';

/** How an object looks, whatever it does: a shape within the circle of radius 1 about its centre. */
export type Actor = Pick<Layer, 'inside' | 'colour'> & {
  /** A disc that lies wholly inside of it. */
  readonly core: Point & { readonly radius: number };
};

/** Where an actor is at a time in frames; `scale` is its radius in picture pixels. */
export type Path = (time: number) => Required<Pose>;

/** An actor in a scene. @param objectId null: it is there, but nobody's object */
export function placeActor(actor: Actor, objectId: number | null, path: Path): Layer {
  return { objectId, reach: 1, pose: path, inside: actor.inside, colour: actor.colour };
}
