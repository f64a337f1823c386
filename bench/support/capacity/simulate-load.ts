import { percentile } from '../percentile.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import type { MeasuredLoad } from './measured-load.ts';

/** A simulated load, beside what it kept busy. */
export type SimulatedLoad = MeasuredLoad & {
  /** Cores of one server, mean over the run. */
  readonly coresBusy: number;
  readonly inferenceServersBusy: number | null;
};

/**
 * Runs a cluster and tells what became of the frames captured in the counted time.
 *
 * @param counted seconds since the start; what is still in work at the end of the run counts as dropped,
 *   so the end should be half a second before it
 */
export function simulateLoad(
  options: ClusterOptions,
  counted: { readonly fromSeconds: number; readonly toSeconds: number },
): SimulatedLoad {
  const cluster = new Cluster(options);
  cluster.run();
  const { captured, latenciesMs } = cluster.window(counted.fromSeconds, counted.toSeconds);
  const all = cluster.window(0, options.seconds);
  return {
    cameras: options.cameras,
    droppedShare: 1 - latenciesMs.length / captured,
    p50Ms: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    keyframesPerAnswer: cluster.keyframes / all.latenciesMs.length,
    coresBusy: cluster.coresBusy,
    inferenceServersBusy: cluster.inferenceServersBusy,
  };
}
