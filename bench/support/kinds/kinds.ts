import type { Layer } from '../../../src/cli/demo/scene-layers.ts';
import type { Scene } from '../../../src/cli/demo/scene.ts';
import { randomNumbers } from '../random-numbers.ts';
import { placeActor, type Actor, type Path } from './actor.ts';
import { bicycle, figure, limb, ring } from './drawn-actors.ts';
import { kindScene, type KindScene, type Take } from './kind-scene.ts';
import {
  growAndShrink,
  growthFrames,
  jump,
  pass,
  slowGrowth,
  wander,
  type GrowthTimes,
} from './paths.ts';
import { fogged, greyFilm, thinned } from './picture-effects.ts';

const frames = 90;
/** Frames of a 30 a second film that lie between two of a slow one. */
const slowEvery = 6;
const slowFrames = 240;
const crowdSize = 14;

/** Kinds of clips that the service was seen to fail on, and how to make one. */
export const kinds: Readonly<Record<string, (take: Take) => KindScene>> = {
  grows,
  'jumps at the camera': jumpsAtCamera,
  'cut by the border': cutByBorder,
  'look-alikes cross': lookAlikesCross,
  'one of look-alikes': oneOfLookAlikes,
  'thin and holed': thinAndHoled,
  'parts of other colours': partsOfOtherColours,
  '5 frames a second': (take) => changed(twoWander(take, slowFrames), slow),
  grey: (take) => changed(twoWander(take, frames), greyFilm),
  fog: (take) => changed(twoWander(take, frames), fogged),
  small,
  'dancer before a crowd': dancerBeforeCrowd,
};

/** It comes at the camera until it fills all or, with every second seed, most of the picture. */
function grows(take: Take): KindScene {
  const actor = take.cast.object(0);
  const path = growing(take, actor, slowGrowth);
  return kindScene(take, growthFrames(slowGrowth), [placeActor(actor, 1, path)]);
}

/** A person in clothes of several colours, within half a second. */
function jumpsAtCamera(take: Take): KindScene {
  const { seed } = take;
  const path = growing(take, figure(seed), jump);
  return kindScene(take, growthFrames(jump), dancer(1, seed, path));
}

function growing({ size, seed }: Take, actor: Actor, times: GrowthTimes): Path {
  const random = randomNumbers(seed);
  const place = {
    x: size.width * (0.35 + 0.3 * random()),
    y: size.height * (0.45 + 0.1 * random()),
  };
  const fillRatio = seed % 2 === 1 ? 1.05 : 0.7;
  return growAndShrink(size, actor, { place, radius: 0.2 * size.height, fillRatio, times });
}

/** It slides along a border, a quarter to three quarters of it in sight. */
function cutByBorder(take: Take): KindScene {
  const { size, seed, cast } = take;
  const radius = 0.27 * size.height;
  const along = (time: number) => 0.3 + (0.4 * time) / frames;
  const inwards = (time: number) => 0.35 * radius * Math.sin(time / 12 + seed);
  const paths: readonly Path[] = [
    (time) => ({ x: inwards(time), y: size.height * along(time), turn: time / 80, scale: radius }),
    (time) => ({
      x: size.width * along(time),
      y: size.height - inwards(time),
      turn: -time / 80,
      scale: radius,
    }),
    (time) => ({
      x: size.width - inwards(time),
      y: size.height * along(time),
      turn: time / 80,
      scale: radius,
    }),
    (time) => ({ x: size.width * along(time), y: inwards(time), turn: -time / 80, scale: radius }),
  ];
  return kindScene(take, frames, [placeActor(cast.object(0), 1, paths[seed % paths.length]!)]);
}

/** Three of one look meet in the middle, one behind the other, and part. */
function lookAlikes({ size, seed, cast }: Take): Layer[] {
  const look = cast.object(0);
  const radius = 0.16 * size.height;
  const middle = { x: size.width / 2, y: size.height / 2 };
  const at = { crossesAt: 0.5 * frames, radius };
  // Of the picture's height, a frame.
  const pace = 0.009 + 0.001 * (seed % 3);
  const moves = (x: number, y: number) => ({ x: x * size.height, y: y * size.height });
  const apart = 0.25 * radius;
  return [
    placeActor(look, 1, pass({ ...middle, y: middle.y - apart }, moves(pace, 0.001), at)),
    placeActor(look, 2, pass({ ...middle, y: middle.y + apart }, moves(-pace, 0), at)),
    placeActor(look, 3, pass({ ...middle, x: middle.x - 1.2 * radius }, moves(0.002, -0.006), at)),
  ];
}

function lookAlikesCross(take: Take): KindScene {
  return kindScene(take, frames, lookAlikes(take));
}

function oneOfLookAlikes(take: Take): KindScene {
  return { ...kindScene(take, frames, lookAlikes(take)), follows: new Set([1]) };
}

function thinAndHoled(take: Take): KindScene {
  const { size, seed } = take;
  const left = { x: size.width * 0.3, y: size.height * 0.5 };
  const right = { x: size.width * 0.75, y: size.height * 0.5 };
  return kindScene(take, frames, [
    placeActor(bicycle(seed), 1, wander(size, left, 0.32 * size.height, seed)),
    placeActor(ring(seed + 5), 2, wander(size, right, 0.2 * size.height, seed + 1)),
  ]);
}

function partsOfOtherColours(take: Take): KindScene {
  const { size, seed } = take;
  const place = { x: size.width / 2, y: size.height / 2 };
  const path = wander(size, place, 0.36 * size.height, seed);
  return kindScene(take, frames, dancer(1, seed, path));
}

function twoWander(take: Take, frameCount: number): KindScene {
  const { size, seed, cast } = take;
  const left = { x: size.width * 0.28, y: size.height * 0.5 };
  const right = { x: size.width * 0.72, y: size.height * 0.5 };
  return kindScene(take, frameCount, [
    placeActor(cast.object(0), 1, wander(size, left, 0.2 * size.height, seed)),
    placeActor(cast.object(1), 2, wander(size, right, 0.2 * size.height, seed + 1)),
  ]);
}

/** Twenty pixels across in a picture 270 high; a third of the same look is nobody's. */
function small(take: Take): KindScene {
  const { size, seed, cast } = take;
  const radius = size.height / 27;
  const places = [0.25, 0.5, 0.75].map((share) => ({ x: size.width * share, y: size.height / 2 }));
  const [one, two, other] = places.map((place, i) => wander(size, place, radius, seed + i));
  return kindScene(take, frames, [
    placeActor(cast.object(0), null, other!),
    placeActor(cast.object(0), 1, one!),
    placeActor(cast.object(1), 2, two!),
  ]);
}

/** The dancer is drawn in any case: limbs of photographs do not move. */
function dancerBeforeCrowd(take: Take): KindScene {
  const { size, seed, cast } = take;
  const random = randomNumbers(seed + 1);
  const crowd = Array.from({ length: crowdSize }, (_, index): Layer => {
    const place = { x: (size.width * (index + random())) / crowdSize, y: 0.4 * size.height };
    const [beat, radius] = [9 + 6 * random(), size.height * (0.24 + 0.06 * random())];
    return placeActor(cast.figure(index + 1), null, (time) => ({
      x: place.x + 3 * Math.sin(time / beat),
      y: place.y + 2 * Math.sin(time / (2 * beat)),
      turn: 0.06 * Math.sin(time / beat + index),
      scale: radius,
    }));
  });
  const place = { x: size.width / 2, y: 0.55 * size.height };
  const path = wander(size, place, 0.33 * size.height, seed);
  return kindScene(take, frames, [...crowd, ...dancer(1, seed, path)]);
}

function swing(phase: number): (time: number) => number {
  return (time) => 1.2 * Math.sin(time / 8 + phase);
}

/** A person whose arms and one leg swing: one object of several layers. */
function dancer(objectId: number, seed: number, path: Path): Layer[] {
  const joined = (x: number, y: number, length: number, turn: (time: number) => number): Path => {
    return (time) => {
      const body = path(time);
      const [cosine, sine] = [Math.cos(body.turn), Math.sin(body.turn)];
      return {
        x: body.x + body.scale * (cosine * x - sine * y),
        y: body.y + body.scale * (sine * x + cosine * y),
        turn: body.turn + turn(time),
        scale: body.scale * length,
      };
    };
  };
  const arm = limb(seed);
  return [
    placeActor(limb(seed + 2, [60, 55, 80]), objectId, joined(0.12, 0.1, 0.9, swing(2))),
    placeActor(arm, objectId, joined(-0.24, -0.45, 0.6, swing(0))),
    placeActor(figure(seed), objectId, path),
    placeActor(arm, objectId, joined(0.24, -0.45, 0.6, swing(1.5))),
  ];
}

function changed(clip: KindScene, change: (scene: Scene) => Scene): KindScene {
  return { ...clip, scene: change(clip.scene) };
}

function slow(scene: Scene): Scene {
  return thinned(scene, slowEvery);
}
