import { percentile } from '../percentile.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import type { MeasuredLoad } from './measured-load.ts';

/** A simulated load, beside what it kept busy. */
export type SimulatedLoad = MeasuredLoad & {
  /** Cores of one server, mean over the run. */
  readonly coresBusy: number;
  readonly inferenceServersBusy: number | null;
};

/** Frames captured in this time count, in seconds since the start. */
export type CountedTime = { readonly fromSeconds: number; readonly toSeconds: number };

/** What became of the counted frames, and keyframes and answers of the whole run. */
export type SimulatedRun = Pick<SimulatedLoad, 'coresBusy' | 'inferenceServersBusy'> & {
  readonly captured: number;
  readonly latenciesMs: readonly number[];
  readonly keyframes: number;
  readonly answered: number;
};

/** Runs a cluster. */
export function runCluster(options: ClusterOptions, counted: CountedTime): SimulatedRun {
  const cluster = new Cluster(options);
  cluster.run();
  const { captured, latenciesMs } = cluster.window(counted.fromSeconds, counted.toSeconds);
  const { keyframes, coresBusy, inferenceServersBusy } = cluster;
  const { answered } = cluster.window(0, options.seconds);
  return { captured, latenciesMs, keyframes, answered, coresBusy, inferenceServersBusy };
}

/**
 * Runs a cluster and tells what became of the frames captured in the counted time.
 *
 * @param counted what is still in work at the end of the run counts as dropped, so its end should be half
 *   a second before that
 */
export function simulateLoad(options: ClusterOptions, counted: CountedTime): SimulatedLoad {
  const run = runCluster(options, counted);
  const { latenciesMs, coresBusy, inferenceServersBusy } = run;
  return {
    cameras: options.cameras,
    droppedShare: 1 - latenciesMs.length / run.captured,
    p50Ms: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    keyframesPerAnswer: run.keyframes / run.answered,
    coresBusy,
    inferenceServersBusy,
  };
}
