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
  const disputed = disputedPixels(masks, meeting);
  const area = boundsOfSet(disputed, meeting, masks[0]!.size);
  if (area === null) return null;
  return {
    area,
    values: masks.map((mask) => cut(mask, area)),
    disputed: cut({ values: disputed, window: meeting }, area),
  };
}

/** Read from the masks' own windows: most of the meeting area lies outside of each. */
function disputedPixels(masks: readonly SoftMask[], area: Box): Float32Array {
  const pixels = area.width * area.height;
  const rivals = new Uint8Array(pixels);
  const claimed = new Uint8Array(pixels);
  for (const { window, values } of masks) {
    const shared = window && intersectBoxes(window, area);
    if (!window || !shared) continue;
    for (let y = shared.y; y < shared.y + shared.height; y++) {
      let from = (y - window.y) * window.width + shared.x - window.x;
      let at = (y - area.y) * area.width + shared.x - area.x;
      for (let i = 0; i < shared.width; i++, from++, at++) {
        const p = values[from]!;
        if (p < rivalProbability) continue;
        rivals[at]!++;
        if (p >= 0.5) claimed[at] = 1;
      }
    }
  }
  const disputed = new Float32Array(pixels);
  for (let at = 0; at < pixels; at++) if (rivals[at]! > 1) disputed[at] = claimed[at]!;
  return disputed;
}

/** Bounds of the pixels that are not 0 and of their neighbours; null where there are none. */
function boundsOfSet(set: Float32Array, { x, y, width }: Box, size: Size): Box | null {
  const bounds = boundsWhere(set.length, width, (at) => set[at] !== 0);
  return bounds && grow({ ...bounds, x: x + bounds.x, y: y + bounds.y }, size, 1);
}

/** Bounds of the pixels that a mask is a rival for, within the contest's area; null: none. */
export function rivalBounds(
  held: Float32Array,
  { disputed, area }: Pick<Contest, 'disputed' | 'area'>,
): Box | null {
  const isRival = (at: number): boolean => held[at]! >= rivalProbability && disputed[at] === 1;
  return boundsWhere(held.length, area.width, isRival);
}

function boundsWhere(length: number, width: number, isIn: (at: number) => boolean): Box | null {
  let [left, right, top, bottom] = [width, -1, -1, -1];
  for (let row = 0, start = 0; start < length; row++, start += width) {
    let first = 0;
    while (first < width && !isIn(start + first)) first++;
    if (first === width) continue;
    let last = width - 1;
    while (last > right && !isIn(start + last)) last--;
    if (top < 0) top = row;
    bottom = row;
    if (first < left) left = first;
    if (last > right) right = last;
  }
  if (right < 0) return null;
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
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
