/** A raw score and the IoU that came true. */
export type ScoreSample = { readonly raw: number; readonly iou: number };

/** Points `[raw score, expected IoU]` of a piecewise linear map that never falls. */
export type ScoreKnots = [number, number][];

const mostKnots = 10;
const fewestSamplesPerKnot = 8;

/** Fewest samples that a fit is made from. */
export const fewestSamples = 2 * fewestSamplesPerKnot;

/**
 * Isotonic regression of IoU on the score: samples in groups of one size by rising score, neighbours
 * that would fall merged (pool adjacent violators; Ayer et al. 1955), one knot a group. Two knots at
 * least; scores of knots rise strictly.
 *
 * @throws RangeError below {@link fewestSamples}
 */
export function isotonicKnots(samples: readonly ScoreSample[]): ScoreKnots {
  if (samples.length < fewestSamples) {
    throw new RangeError(`expected at least ${fewestSamples} samples, got ${samples.length}`);
  }
  const sorted = samples.toSorted((a, b) => a.raw - b.raw);
  const groups = Math.min(mostKnots, Math.floor(sorted.length / fewestSamplesPerKnot));
  const blocks: { raw: number; iou: number; weight: number }[] = [];
  for (let group = 0; group < groups; group++) {
    const from = Math.floor((group * sorted.length) / groups);
    const to = Math.floor(((group + 1) * sorted.length) / groups);
    const part = sorted.slice(from, to);
    blocks.push({
      raw: mean(part.map(({ raw }) => raw)),
      iou: mean(part.map(({ iou }) => iou)),
      weight: part.length,
    });
    for (let last = blocks.at(-1)!, before = blocks.at(-2); before !== undefined;) {
      if (before.iou < last.iou && before.raw < last.raw) break;
      blocks.splice(-2, 2, merged(before, last));
      last = blocks.at(-1)!;
      before = blocks.at(-2);
    }
  }
  const [only] = blocks;
  // One level for every score is still a map of two points.
  if (blocks.length === 1 && only !== undefined) {
    return [
      [only.raw, only.iou],
      [only.raw + 1, only.iou],
    ];
  }
  return blocks.map(({ raw, iou }) => [raw, iou]);
}

type Block = { raw: number; iou: number; weight: number };

function merged(a: Block, b: Block): Block {
  const weight = a.weight + b.weight;
  const both = (x: number, y: number): number => (x * a.weight + y * b.weight) / weight;
  return { raw: both(a.raw, b.raw), iou: both(a.iou, b.iou), weight };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
