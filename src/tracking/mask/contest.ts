import { intersectBoxes, unionBox, type Box, type Size } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { measuresOf } from './measures.ts';

/** A pixel is disputed where one mask claims it and a rival holds at least this probability of it. */
export const rivalProbability = 0.25;

/** Rivals of a claimed pixel are looked for this many pixels beyond their own claims. */
const reachPixels = 3;

/** Where masks meet, and what they hold there. */
export type Contest = {
  readonly area: Box;
  /** Probabilities over `area`, one array for each mask. */
  readonly values: readonly Float32Array[];
  /** 1 where a pixel of `area` is disputed. */
  readonly disputed: Float32Array;
};

/** Finds the disputed pixels of masks of one picture; null where there are none. */
export function findContest(masks: readonly SoftMask[]): Contest | null {
  const meeting = meetingArea(masks);
  if (meeting === null) return null;
  const disputed = disputedPixels(
    masks.map((mask) => cut(mask, meeting)),
    meeting.width * meeting.height,
  );
  const area = boundsOfSet(disputed, meeting, masks[0]!.size);
  if (area === null) return null;
  return {
    area,
    values: masks.map((mask) => cut(mask, area)),
    disputed: cut({ values: disputed, window: meeting }, area),
  };
}

function disputedPixels(values: readonly Float32Array[], pixels: number): Float32Array {
  const rivals = new Uint8Array(pixels);
  const claimed = new Uint8Array(pixels);
  for (const held of values) {
    for (let at = 0; at < pixels; at++) {
      const p = held[at]!;
      if (p < rivalProbability) continue;
      rivals[at]!++;
      if (p >= 0.5) claimed[at] = 1;
    }
  }
  return Float32Array.from(rivals, (count, at) => (count > 1 ? claimed[at]! : 0));
}

/** Bounds of the pixels that are not 0 and of their neighbours; null where there are none. */
function boundsOfSet(set: Float32Array, { x, y, width }: Box, size: Size): Box | null {
  const bounds = { left: width, right: -1, top: -1, bottom: -1 };
  for (let at = 0; at < set.length; at++) {
    if (set[at] === 0) continue;
    const column = at % width;
    const row = (at - column) / width;
    if (bounds.top < 0) bounds.top = row;
    bounds.bottom = row;
    if (column < bounds.left) bounds.left = column;
    if (column > bounds.right) bounds.right = column;
  }
  const { left, right, top, bottom } = bounds;
  if (right < 0) return null;
  const box = { x: x + left, y: y + top, width: right - left + 1, height: bottom - top + 1 };
  return grow(box, size, 1);
}

/** Bounds of all places where the claims of two masks come near each other; null where none do. */
function meetingArea(masks: readonly SoftMask[]): Box | null {
  const reaches = masks.flatMap((mask) => {
    const { bounds } = measuresOf(mask);
    return bounds === null ? [] : [grow(bounds, mask.size, reachPixels)];
  });
  return reaches
    .flatMap((box, i) => reaches.slice(i + 1).map((other) => intersectBoxes(box, other)))
    .reduce(unionBox, null);
}

function grow(box: Box, size: Size, by: number): Box {
  const x = Math.max(0, box.x - by);
  const y = Math.max(0, box.y - by);
  const right = Math.min(size.width, box.x + box.width + by);
  const bottom = Math.min(size.height, box.y + box.height + by);
  return { x, y, width: right - x, height: bottom - y };
}

function cut({ window, values }: Pick<SoftMask, 'window' | 'values'>, area: Box): Float32Array {
  const out = new Float32Array(area.width * area.height);
  const shared = window && intersectBoxes(window, area);
  if (!window || !shared) return out;
  for (let y = shared.y; y < shared.y + shared.height; y++) {
    const from = (y - window.y) * window.width + shared.x - window.x;
    out.set(
      values.subarray(from, from + shared.width),
      (y - area.y) * area.width + shared.x - area.x,
    );
  }
  return out;
}
