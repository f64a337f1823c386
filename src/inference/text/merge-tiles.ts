import type { Box } from '../../frame/geometry.ts';
import type { ClassMaps } from '../layouts/layout.ts';

/** What the text graph says of a part of the picture, in fractions of the picture. */
export type TileMaps = { readonly region: Box; readonly maps: ClassMaps };

/** One channel over the whole picture: float32[side, side]. */
export type ChannelMap = { readonly probabilities: Float32Array; readonly side: number };

/** One channel of what the text graph says; reads the same memory. */
export function channelOf({ maps, side }: ClassMaps, channel: number): ChannelMap {
  const area = side * side;
  return { probabilities: maps.subarray(channel * area, (channel + 1) * area), side };
}

/**
 * One channel as the whole picture and its tiles see it together: the mean of what the picture says
 * and what the tiles over a place say, on a grid twice as fine. Without tiles the picture's own map.
 */
export function mergeTiles(
  whole: ClassMaps,
  tiles: readonly TileMaps[],
  channel: number,
): ChannelMap {
  const picture = channelOf(whole, channel);
  if (tiles.length === 0) return picture;
  const parts = tiles.map(({ region, maps }) => ({ region, map: channelOf(maps, channel) }));
  const side = 2 * picture.side;
  const probabilities = Float32Array.from({ length: side * side }, (_, cell) => {
    const x = ((cell % side) + 0.5) / side;
    const y = (Math.floor(cell / side) + 0.5) / side;
    const seen = sample(picture, x, y);
    const over = parts.filter(({ region }) => holds(region, x, y));
    if (over.length === 0) return seen;
    let total = 0;
    for (const { region, map } of over) {
      total += sample(map, (x - region.x) / region.width, (y - region.y) / region.height);
    }
    return (seen + total / over.length) / 2;
  });
  return { probabilities, side };
}

function holds({ x, y, width, height }: Box, atX: number, atY: number): boolean {
  return atX >= x && atX <= x + width && atY >= y && atY <= y + height;
}

/** Bilinear, at a place in fractions of the map. */
function sample({ probabilities, side }: ChannelMap, x: number, y: number): number {
  const [left, right, across] = taps(x * side - 0.5, side);
  const [top, bottom, down] = taps(y * side - 0.5, side);
  const mix = (row: number): number =>
    probabilities[row * side + left]! * (1 - across) + probabilities[row * side + right]! * across;
  return mix(top) * (1 - down) + mix(bottom) * down;
}

/** The samples before and after a position, and how far it lies towards the second. */
function taps(position: number, count: number): readonly [number, number, number] {
  const inside = Math.min(count - 1, Math.max(0, position));
  const before = Math.min(count - 1, Math.floor(inside));
  return [before, Math.min(count - 1, before + 1), inside - before];
}
