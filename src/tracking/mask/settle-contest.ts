import type { SoftMask } from '../../frame/soft-mask.ts';
import { boxFilter } from './box-filter.ts';
import { findContest, rivalProbability, type Contest } from './contest.ts';
import { measuresOf } from './measures.ts';
import { giveStrayParts } from './stray-parts.ts';

/**
 * Half the side of the box filter, in pixels at analysis size; it runs twice, about a Gaussian of
 * sigma 2. Narrower leaves islands of noise, wider rounds corners.
 */
const filterRadius = 2;

/**
 * What an object leads by where all it claims is claimed by others too; less in proportion to that
 * share. A ball before a person is in the person's mask, never the other way round.
 */
const containedLead = 0.1;

/** Least probability that the owner of a disputed pixel gets: a claim, however it is interpolated. */
const ownerProbability = 0.55;

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
 * transitive and the border is smooth. What lies within another object is in front of it. Parts that hang on no undisputed pixel of their object then
 * go to the rival. A pixel that nobody claimed stays so; undisputed pixels are not touched.
 *
 * @param masks of one picture
 */
export function settleContest(masks: readonly SoftMask[]): Settled {
  const contest = findContest(masks);
  if (contest === null) return { masks, contestedRatios: masks.map(() => 0) };
  const areas = masks.map((mask) => measuresOf(mask).area);
  const contestedRatios = countContested(contest.values).map((count, i) =>
    count === 0 ? 0 : count / areas[i]!,
  );
  const settled = smoothen(contest, contestedRatios);
  giveStrayParts(settled, contest, areas);
  return {
    masks: masks.map((mask, i) => paste(mask, settled[i]!, contest, contest.values[i]!)),
    contestedRatios,
  };
}

/** Means over the disputed pixels around; as it was for a mask that is no rival at the pixel. */
function smoothen(contest: Contest, contestedRatios: readonly number[]): Float32Array[] {
  const { area, disputed } = contest;
  const weight = boxFilter(disputed, area, filterRadius);
  const settled = contest.values.map((held, i) =>
    meansOf(held, { weight, lead: containedLead * contestedRatios[i]! }, contest),
  );
  for (let at = 0; at < disputed.length; at++) {
    if (disputed[at] !== 1) continue;
    let most = 0;
    for (const held of settled) if (held[at]! > most) most = held[at]!;
    if (most >= ownerProbability) continue;
    settled.forEach((held, i) => {
      if (contest.values[i]![at]! >= rivalProbability) held[at]! += ownerProbability - most;
    });
  }
  return settled;
}

function meansOf(
  held: Float32Array,
  { weight, lead }: { readonly weight: Float32Array; readonly lead: number },
  { area, disputed }: Contest,
): Float32Array {
  const means = held.slice();
  if (!isRival(held, disputed)) return means;
  const weighted = held.map((p, at) => p * disputed[at]!);
  const sums = boxFilter(weighted, area, filterRadius);
  for (let at = 0; at < means.length; at++) {
    if (disputed[at] !== 1 || held[at]! < rivalProbability) continue;
    means[at] = sums[at]! / weight[at]! + lead;
  }
  return means;
}

function isRival(held: Float32Array, disputed: Float32Array): boolean {
  return held.some((p, at) => p >= rivalProbability && disputed[at] === 1);
}

/** Pixels of each mask that another one claims too. */
function countContested(values: readonly Float32Array[]): number[] {
  const claimants = new Uint8Array(values[0]!.length);
  for (const held of values) {
    for (let at = 0; at < held.length; at++) if (held[at]! >= 0.5) claimants[at]!++;
  }
  return values.map((held) =>
    held.reduce((count, p, at) => (p >= 0.5 && claimants[at]! > 1 ? count + 1 : count), 0),
  );
}

/** The mask with what was settled about the disputed pixels that it is a rival for. */
function paste(
  mask: SoftMask,
  settled: Float32Array,
  { area, disputed }: Contest,
  held: Float32Array,
): SoftMask {
  const { window } = mask;
  if (!window || !isRival(held, disputed)) return mask;
  const values = mask.values.slice();
  for (let at = 0; at < settled.length; at++) {
    if (disputed[at] !== 1 || held[at]! < rivalProbability) continue;
    const x = area.x + (at % area.width) - window.x;
    const y = area.y + Math.floor(at / area.width) - window.y;
    values[y * window.width + x] = settled[at]!;
  }
  return { ...mask, values };
}
