import { percentile } from '../percentile.ts';
import { type ClusterEvent, type ClusterOptions } from './cluster.ts';
import {
  type CountedTime,
  runCluster,
  type SimulatedLoad,
  type SimulatedRun,
} from './simulate-load.ts';

/** Cameras that are simulated together; larger clusters are made of parts like this. */
const shardCameras = 1000;

/** What happens in one part of a cluster only. */
const local: ReadonlySet<ClusterEvent> = new Set(['replica-lost', 'inference-server-lost']);

/**
 * As `simulateLoad`, for clusters of any size. Streams know nothing of one another beyond their server, so
 * a large cluster is as many parts of some thousand cameras, alike and independent: one is simulated and
 * counts for all, and where something happens to one server, one more in which it does.
 */
export function simulateShards(options: ClusterOptions, counted: CountedTime): SimulatedLoad {
  const shards = Math.max(1, Math.round(options.cameras / shardCameras));
  const shard = { ...options, ...partOf(options, shards) };
  const happens = runCluster(shard, counted);
  const isElsewhere = shards > 1 && local.has(options.event);
  const quiet = isElsewhere
    ? runCluster({ ...shard, event: 'none', seed: options.seed + 1 }, counted)
    : happens;
  const all: readonly (readonly [SimulatedRun, number])[] = [
    [happens, 1],
    [quiet, shards - 1],
  ];
  const sum = (of: (run: SimulatedRun) => number): number =>
    all.reduce((total, [run, count]) => total + of(run) * count, 0);
  const latenciesMs = all.flatMap(([run, count]) =>
    Array.from({ length: count }, () => run.latenciesMs).flat(),
  );
  return {
    cameras: options.cameras,
    droppedShare: 1 - latenciesMs.length / sum(({ captured }) => captured),
    p50Ms: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    keyframesPerAnswer: sum(({ keyframes }) => keyframes) / sum(({ answered }) => answered),
    coresBusy: sum(({ coresBusy }) => coresBusy) / shards,
    inferenceServersBusy:
      happens.inferenceServersBusy === null
        ? null
        : sum(({ inferenceServersBusy }) => inferenceServersBusy ?? 0),
  };
}

function partOf(
  { cameras, replicas, pool }: ClusterOptions,
  shards: number,
): Pick<ClusterOptions, 'cameras' | 'replicas' | 'pool'> {
  return {
    cameras: Math.round(cameras / shards),
    replicas: Math.max(1, Math.round(replicas / shards)),
    pool: pool && { ...pool, servers: Math.max(1, Math.round(pool.servers / shards)) },
  };
}
