import type { Layer } from '../../../src/cli/demo/scene-layers.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import type { Actor } from './actor.ts';
import { figure, lump } from './drawn-actors.ts';
import { pixelAt, type PhotoActors, type Photograph } from './photo-actors.ts';

/** Who plays in a scene. */
export type Cast = {
  /** Objects of any shape, each another one. */
  readonly object: (index: number) => Actor;
  /** What a crowd is made of. */
  readonly figure: (index: number) => Actor;
  /** What lies behind everything; null: the demo's own ground. */
  readonly ground: Layer | null;
};

/** How many photographs a cast needs. */
export const photosPerCast = { actors: 6, grounds: 1 } as const;

/** Of {@link photosPerCast} a scene asks for fewer different ones than a crowd has people. */
export function photoCast({ actors, grounds }: PhotoActors, size: Size): Cast {
  const of = (index: number): Actor => {
    const actor = actors[index % actors.length];
    if (actor === undefined) throw new Error('expected an object cut out of a photograph');
    return actor;
  };
  const [ground] = grounds;
  return { object: of, figure: of, ground: ground ? photoGround(ground, size) : null };
}

/** Actors that are drawn. The same seed gives the same ones. */
export function drawnCast(seed: number): Cast {
  return {
    object: (index) => lump(seed + 31 * index),
    figure: (index) => figure(seed + 31 * index),
    ground: null,
  };
}

/** A photograph that fills the picture, before which the camera pans slowly. */
function photoGround(photograph: Photograph, size: Size): Layer {
  const scale = (1.15 * size.height) / photograph.size.height;
  return {
    objectId: null,
    reach: Infinity,
    pose: (time) => ({ x: -0.5 * time, y: -4 - 4 * Math.sin(time / 40), turn: 0, scale }),
    inside: () => true,
    colour: (x, y) => pixelAt(photograph, x, y),
  };
}
