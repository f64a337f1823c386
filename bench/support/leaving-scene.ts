import { createLayers, type Layer } from '../../src/cli/demo/scene-layers.ts';
import { createScene, type Scene } from '../../src/cli/demo/scene.ts';
import { createRandom } from '../../src/cli/demo/textures.ts';
import type { Point, Size } from '../../src/frame/geometry.ts';

/** A border of the picture. */
export type Side = 'left' | 'right' | 'top' | 'bottom';

/** How an object leaves the picture and comes back to it. */
export type Absence = {
  readonly seed: number;
  readonly leavesBy: Side;
  readonly returnsBy: Side;
  /** Its size when it comes back over that when it left. */
  readonly growth: number;
  /** Another object, which stays, is in the picture all along. */
  readonly company: boolean;
};

/** When what happens, in frames. */
export type AbsenceTimes = {
  /** It stands about in the middle first. */
  readonly staysFrames: number;
  /** From there to wholly outside, and back again. */
  readonly crossesFrames: number;
  readonly awayFrames: number;
  /** In the middle again. */
  readonly backFrames: number;
};

const sides: readonly Side[] = ['left', 'right', 'top', 'bottom'];
const growths = [0.6, 1, 1.6, 2.4] as const;

/** So many absences: all borders and growths in turn, every second one in company. */
export function planAbsences(count: number): Absence[] {
  return Array.from({ length: count }, (_, i) => ({
    seed: 101 + 17 * i,
    leavesBy: sides[i % 4]!,
    returnsBy: sides[(i + 1 + Math.floor(i / 4)) % 4]!,
    growth: growths[(i + Math.floor(i / 4)) % 4]!,
    company: i % 2 === 1,
  }));
}

/** A scene in which object 1 leaves the picture and comes back by another border, at another size. */
export function createLeavingScene(size: Size, absence: Absence, times: AbsenceTimes): Scene {
  const { staysFrames, crossesFrames, awayFrames, backFrames } = times;
  const frameCount = staysFrames + 2 * crossesFrames + awayFrames + backFrames;
  const [object, post, companion] = createLayers(size, frameCount, absence.seed);
  if (object === undefined || post === undefined || companion === undefined) {
    throw new Error('expected an object, a post and another object in the demo scene');
  }
  const random = createRandom(absence.seed);
  const somewhere = (): Point => ({
    x: size.width * (0.35 + 0.3 * random()),
    y: size.height * (0.4 + 0.2 * random()),
  });
  const leaves = crossing(object, {
    place: somewhere(),
    size,
    side: absence.leavesBy,
    progress: (time) => (time - staysFrames) / crossesFrames,
  });
  const returnAt = staysFrames + crossesFrames + awayFrames;
  const returns = crossing(grown(object, absence.growth), {
    place: somewhere(),
    size,
    side: absence.returnsBy,
    progress: (time) => 1 - (time - returnAt) / crossesFrames,
  });
  const others = absence.company ? [companion] : [{ ...companion, objectId: null }];
  const layers = [post, ...others, leaves, returns];
  return createScene({ size, frameCount, seed: absence.seed, layers });
}

/** A layer between a place in the picture (progress 0 and less) and outside (1 and more). */
function crossing(
  layer: Layer,
  path: {
    readonly place: Point;
    readonly size: Size;
    readonly side: Side;
    readonly progress: (time: number) => number;
  },
): Layer {
  const { place, size, side, progress } = path;
  const outside: Point = {
    x: side === 'left' ? -layer.reach : side === 'right' ? size.width + layer.reach : place.x,
    y: side === 'top' ? -layer.reach : side === 'bottom' ? size.height + layer.reach : place.y,
  };
  return {
    ...layer,
    pose: (time) => {
      const share = Math.min(1, Math.max(0, progress(time)));
      return {
        x: place.x + (outside.x - place.x) * share,
        y: place.y + (outside.y - place.y) * share + 4 * Math.sin(time / 17) * (1 - share),
        turn: layer.pose(time).turn,
      };
    },
  };
}

/** The same shape and texture, larger or smaller. */
function grown(layer: Layer, scale: number): Layer {
  return {
    ...layer,
    reach: layer.reach * scale,
    inside: (x, y) => layer.inside(x / scale, y / scale),
    colour: (x, y) => layer.colour(x / scale, y / scale),
  };
}
