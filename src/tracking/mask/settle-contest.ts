import type { Box } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { boxFilter } from './box-filter.ts';
import { findContest, rivalBounds, rivalProbability, type Contest } from './contest.ts';
import { measuresOf } from './measures.ts';
import { giveStrayParts } from './stray-parts.ts';

/**
 * Half the side of the box filter, in pixels at analysis size; it runs twice, about a Gaussian of
 * sigma 2. Narrower leaves islands of noise, wider rounds corners.
 */
const filterRadius = 2;

/**
 * What an object leads by where all it claims is claimed by others too; less in proportion to that
 * share. A ball before a person is in the person's mask, never the other way round. Chosen on
 * training photographs (docs/experiments/2026-11-29-masks-that-touch.md).
 */
const containedLead = 0.2;

/** Least probability that the owner of a disputed pixel gets: a claim, however it is interpolated. */
const ownerProbability = 0.55;

/**
 * Masks times pixels up to which a contest is settled: ten that fill the picture. Settling takes up to
 * 0.1 µs each on a thread that other streams share; 32 objects in one place are left to the higher value.
 */
const maxMaskPixels = 1.5e6;

/** Masks of one picture after their disputes were settled. */
export type Settled = {
  /** In the order given; one without disputed pixels is the very mask that came. */
  readonly masks: readonly SoftMask[];
  /** Share of each mask's pixels that another mask claims too, 0..1. */
  readonly contestedRatios: readonly number[];
};

/**
 * Settles who owns the pixels that several masks hold likely. There their difference is mostly
 * noise, and ownership by the higher value flips from pixel to pixel. So each probability becomes
 * the mean of the disputed pixels around, with the same weights for all masks: the order stays
 * transitive and the border is smooth. What lies within another object is in front of it. Parts that
 * hang on no undisputed pixel of their object then go to the rival. A pixel that nobody claimed stays
 * so; undisputed pixels are not touched. Where too many masks dispute too much, all stay as they came.
 *
 * @param masks of one picture
 * @param lead see {@link containedLead}; another one only where it is fitted
 */
export function settleContest(masks: readonly SoftMask[], lead: number = containedLead): Settled {
  const contest = findContest(masks);
  if (contest === null) return { masks, contestedRatios: masks.map(() => 0) };
  const areas = masks.map((mask) => measuresOf(mask).area);
  const contestedRatios = countContested(contest.values).map((count, i) =>
    count === 0 ? 0 : count / areas[i]!,
  );
  if (masks.length * contest.disputed.length > maxMaskPixels) return { masks, contestedRatios };
  const rivals = contest.values.map((held) => rivalBounds(held, contest));
  const leads = contestedRatios.map((ratio) => lead * ratio);
  const settled = smoothen(contest, rivals, leads);
  giveStrayParts(settled, contest, areas);
  return {
    masks: masks.map((mask, i) => {
      const where = rivals[i]!;
      if (where === null) return mask;
      return paste(mask, settled[i]!, { contest, held: contest.values[i]!, where });
    }),
    contestedRatios,
  };
}

/** Means over the disputed pixels around; as it was for a mask that is no rival at the pixel. */
function smoothen(
  contest: Contest,
  rivals: readonly (Box | null)[],
  leads: readonly number[],
): Float32Array[] {
  const { area, disputed } = contest;
  const weight = boxFilter(disputed, area, filterRadius);
  const settled = contest.values.map((held, i) => {
    const where = rivals[i]!;
    return where === null ? held : meansOf(held, { weight, lead: leads[i]!, where }, contest);
  });
  for (let at = 0; at < disputed.length; at++) {
    if (disputed[at] !== 1) continue;
    let most = 0;
    for (const held of settled) if (held[at]! > most) most = held[at]!;
    if (most >= ownerProbability) continue;
    for (let i = 0; i < settled.length; i++) {
      if (contest.values[i]![at]! >= rivalProbability) settled[i]![at]! += ownerProbability - most;
    }
  }
  return settled;
}

/** Only around the pixels that the mask is a rival for: elsewhere its means are not asked for. */
function meansOf(
  held: Float32Array,
  given: { readonly weight: Float32Array; readonly lead: number; readonly where: Box },
  { area, disputed }: Contest,
): Float32Array {
  const { weight, lead, where } = given;
  const window = around(where, area);
  const weighted = new Float32Array(window.width * window.height);
  for (let y = 0, to = 0; y < window.height; y++) {
    let at = (window.y + y) * area.width + window.x;
    for (let x = 0; x < window.width; x++, at++, to++) weighted[to] = held[at]! * disputed[at]!;
  }
  const sums = boxFilter(weighted, window, filterRadius);
  const means = held.slice();
  for (let y = where.y; y < where.y + where.height; y++) {
    let from = (y - window.y) * window.width + where.x - window.x;
    let at = y * area.width + where.x;
    for (let x = 0; x < where.width; x++, at++, from++) {
      if (disputed[at] !== 1 || held[at]! < rivalProbability) continue;
      means[at] = sums[from]! / weight[at]! + lead;
    }
  }
  return means;
}

/** A box with all that its sums reach, within the contest's area. */
function around({ x, y, width, height }: Box, area: Box): Box {
  const reach = 2 * filterRadius;
  const left = Math.max(0, x - reach);
  const top = Math.max(0, y - reach);
  return {
    x: left,
    y: top,
    width: Math.min(area.width, x + width + reach) - left,
    height: Math.min(area.height, y + height + reach) - top,
  };
}

/** Pixels of each mask that another one claims too. */
function countContested(values: readonly Float32Array[]): number[] {
  const claimants = new Uint8Array(values[0]!.length);
  for (const held of values) {
    for (let at = 0; at < held.length; at++) if (held[at]! >= 0.5) claimants[at]!++;
  }
  return values.map((held) => {
    let count = 0;
    for (let at = 0; at < held.length; at++) if (held[at]! >= 0.5 && claimants[at]! > 1) count++;
    return count;
  });
}

/** The mask with what was settled about the disputed pixels that it is a rival for. */
function paste(
  mask: SoftMask,
  settled: Float32Array,
  given: { readonly contest: Contest; readonly held: Float32Array; readonly where: Box },
): SoftMask {
  const { held, where } = given;
  const { area, disputed } = given.contest;
  const { window } = mask;
  if (!window) return mask;
  const values = mask.values.slice();
  for (let row = where.y; row < where.y + where.height; row++) {
    let at = row * area.width + where.x;
    let to = (area.y + row - window.y) * window.width + area.x + where.x - window.x;
    for (let i = 0; i < where.width; i++, at++, to++) {
      if (disputed[at] === 1 && held[at]! >= rivalProbability) values[to] = settled[at]!;
    }
  }
  return { ...mask, values };
}
