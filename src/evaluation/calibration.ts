/** One object on one frame: what the service expected and what came true. */
export type Sample = {
  readonly confidence: number;
  /** True IoU; 1 where both masks are empty. */
  readonly iou: number;
  /** Frames since the keyframe that the mask descends from; null where there was none yet. */
  readonly age: number | null;
};

/** Samples of one range of confidence: a point of a reliability plot. */
export type ReliabilityBin = {
  readonly samples: number;
  readonly meanConfidence: number;
  readonly meanIou: number;
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
  /** By rising confidence, empty ranges left out. */
  readonly bins: readonly ReliabilityBin[];
};

/** Samples of one range of frames since the keyframe. */
export type AgeBucket = { readonly ages: string; readonly calibration: Calibration };

const binCount = 15;
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
  const bins = reliability(samples);
  return {
    samples: count,
    meanConfidence: samples.reduce((sum, { confidence }) => sum + confidence, 0) / count,
    meanIou: samples.reduce((sum, { iou }) => sum + iou, 0) / count,
    ece: expectedCalibrationError(bins),
    auroc: auroc(
      good.map(({ confidence }) => confidence),
      bad.map(({ confidence }) => confidence),
    ),
    bad: bad.length,
    bins,
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

/** Samples by 15 equal ranges of confidence. */
function reliability(samples: readonly Sample[]): ReliabilityBin[] {
  const sums = Array.from({ length: binCount }, () => ({ samples: 0, confidence: 0, iou: 0 }));
  for (const { confidence, iou } of samples) {
    const bin = sums[Math.min(binCount - 1, Math.max(0, Math.floor(confidence * binCount)))];
    if (bin === undefined) continue;
    bin.samples++;
    bin.confidence += confidence;
    bin.iou += iou;
  }
  return sums.flatMap((bin) =>
    bin.samples === 0
      ? []
      : [
          {
            samples: bin.samples,
            meanConfidence: bin.confidence / bin.samples,
            meanIou: bin.iou / bin.samples,
          },
        ],
  );
}

/** Mean distance of confidence and IoU over the bins, weighted by their samples. */
function expectedCalibrationError(bins: readonly ReliabilityBin[]): number {
  let error = 0;
  let count = 0;
  for (const { samples, meanConfidence, meanIou } of bins) {
    error += samples * Math.abs(meanConfidence - meanIou);
    count += samples;
  }
  return error / count;
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
