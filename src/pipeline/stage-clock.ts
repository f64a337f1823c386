import { microsecondsBetween } from '../frame/time.ts';

/** Wall times of one frame, in microseconds. */
export type StageTimingsUs = {
  readonly total: number;
  readonly queue: number;
  readonly propagate: number;
  readonly encode: number;
  readonly decode: number;
  readonly refine: number;
  readonly output: number;
};

/** Name of one measured stage. */
export type Stage = keyof StageTimingsUs;

/** All of them. */
export const stages: readonly Stage[] = [
  'total',
  'queue',
  'propagate',
  'encode',
  'decode',
  'refine',
  'output',
];

/** Median and tails of one stage, in microseconds. */
export type StagePercentiles = {
  readonly stage: Stage;
  readonly p50Us: number;
  readonly p95Us: number;
  readonly p99Us: number;
  readonly count: number;
};

/** Adds up the wall time of one frame's stages. */
export class StageClock {
  readonly #nowMs: () => number;
  readonly #spent: Record<Stage, number>;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#spent = { total: 0, queue: 0, propagate: 0, encode: 0, decode: 0, refine: 0, output: 0 };
  }

  /** Runs `work` and adds its time to `stage`. */
  async time<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const startMs = this.#nowMs();
    try {
      return await work();
    } finally {
      this.#spent[stage] += microsecondsBetween(startMs, this.#nowMs());
    }
  }

  /** Adds time that was measured elsewhere. */
  add(stage: Stage, us: number): void {
    this.#spent[stage] += us;
  }

  /** Sets the time from `fromMs` until now. */
  since(stage: Stage, fromMs: number): void {
    this.#spent[stage] = microsecondsBetween(fromMs, this.#nowMs());
  }

  /** What was measured so far. */
  read(): StageTimingsUs {
    return { ...this.#spent };
  }
}

/** Buckets per doubling of time: percentiles are right to about 6 %. */
const bucketsPerOctave = 8;
const bucketCount = 32 * bucketsPerOctave;

/** Percentiles of all frames of a stream in constant memory: a histogram with log-spaced buckets. */
export class StageStatistics {
  readonly #histograms = new Map<Stage, Uint32Array>();

  /** Counts one frame; stages that took no time did not run. */
  add(timings: StageTimingsUs): void {
    for (const stage of stages) {
      const us = timings[stage];
      if (us <= 0) continue;
      let histogram = this.#histograms.get(stage);
      if (!histogram) this.#histograms.set(stage, (histogram = new Uint32Array(bucketCount)));
      const bucket = Math.min(bucketCount - 1, Math.floor(Math.log2(us) * bucketsPerOctave));
      histogram[bucket] = (histogram[bucket] ?? 0) + 1;
    }
  }

  /** The stages that ran at least once. */
  read(): StagePercentiles[] {
    return [...this.#histograms].map(([stage, histogram]) => {
      const count = histogram.reduce((sum, frames) => sum + frames, 0);
      const at = (ratio: number): number => percentile(histogram, count * ratio);
      return { stage, p50Us: at(0.5), p95Us: at(0.95), p99Us: at(0.99), count };
    });
  }
}

function percentile(histogram: Uint32Array, rank: number): number {
  let seen = 0;
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    seen += histogram[bucket] ?? 0;
    if (seen >= rank) return Math.round(2 ** ((bucket + 0.5) / bucketsPerOctave));
  }
  return 0;
}
