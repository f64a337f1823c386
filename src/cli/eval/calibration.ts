/** One object on one frame: what the service expected and what came true. */
export type Sample = {
  readonly confidence: number;
  /** True IoU; 1 where both masks are empty. */
  readonly iou: number;
  /** Frames since the keyframe that the mask descends from; null where there was none yet. */
  readonly age: number | null;
};

/** How far confidence can be trusted on a set of samples. */
export type Calibration = {
  readonly samples: number;
  readonly meanConfidence: number;
  readonly meanIou: number;
  /** Expected calibration error. */
  readonly ece: number;
  /** Probability that a bad mask has a lower confidence than a good one; null with one kind only. */
  readonly auroc: number | null;
  /** Samples with IoU < 0.5. */
  readonly bad: number;
};

/** Samples of one range of frames since the keyframe. */
export type AgeBucket = { readonly ages: string; readonly calibration: Calibration };

const bins = 15;
const badIou = 0.5;
const ageBuckets = [
  { ages: '0', upTo: 0 },
  { ages: '1-2', upTo: 2 },
  { ages: '3-5', upTo: 5 },
  { ages: '6-10', upTo: 10 },
  { ages: '11-20', upTo: 20 },
  { ages: '> 20', upTo: Infinity },
];

/** Calibration of all samples together. */
export function calibration(samples: readonly Sample[]): Calibration {
  const good = samples.filter((sample) => sample.iou >= badIou);
  const bad = samples.filter((sample) => sample.iou < badIou);
  const count = samples.length;
  return {
    samples: count,
    meanConfidence: samples.reduce((sum, { confidence }) => sum + confidence, 0) / count,
    meanIou: samples.reduce((sum, { iou }) => sum + iou, 0) / count,
    ece: expectedCalibrationError(samples),
    auroc: auroc(
      good.map(({ confidence }) => confidence),
      bad.map(({ confidence }) => confidence),
    ),
    bad: bad.length,
  };
}

/** Calibration by frames since the keyframe, empty ranges left out. */
export function calibrationByAge(samples: readonly Sample[]): AgeBucket[] {
  let from = -1;
  return ageBuckets.flatMap(({ ages, upTo }) => {
    const low = from;
    from = upTo;
    const inside = samples.filter(({ age }) => age !== null && age > low && age <= upTo);
    return inside.length === 0 ? [] : [{ ages, calibration: calibration(inside) }];
  });
}

/** Mean distance of confidence and IoU over 15 equal bins of confidence, weighted by their samples. */
function expectedCalibrationError(samples: readonly Sample[]): number {
  const sums = Array.from({ length: bins }, () => ({ confidence: 0, iou: 0 }));
  for (const { confidence, iou } of samples) {
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.floor(confidence * bins)))];
    if (bin === undefined) continue;
    bin.confidence += confidence;
    bin.iou += iou;
  }
  const error = sums.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.iou), 0);
  return error / samples.length;
}

/** Area under the ROC curve by ranks (Mann-Whitney); ties count half. */
function auroc(good: readonly number[], bad: readonly number[]): number | null {
  if (good.length === 0 || bad.length === 0) return null;
  const all = [
    ...good.map((value) => ({ value, good: true })),
    ...bad.map((value) => ({ value, good: false })),
  ].toSorted((a, b) => a.value - b.value);
  let rankSum = 0;
  for (let start = 0; start < all.length;) {
    let end = start;
    while (end < all.length && all[end]?.value === all[start]?.value) end++;
    const rank = (start + 1 + end) / 2;
    for (let index = start; index < end; index++) if (all[index]?.good) rankSum += rank;
    start = end;
  }
  return (rankSum - (good.length * (good.length + 1)) / 2) / (good.length * bad.length);
}
