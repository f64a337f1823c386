import { SegmentationError } from '../frame/errors.ts';
import type { KserveOptions } from './engine/kserve/kserve-options.ts';
import { mergeStates, type ServerCall } from './engine/kserve/server-call.ts';
import { layoutProblems } from './layouts/layout-of.ts';
import { loadManifest } from './manifest-loader.ts';
import type { GraphRole, Manifest, Precision } from './manifest.ts';
import { modelInfo } from './model-info.ts';
import { chooseFiles, type ChosenFiles } from './precision.ts';
import { workerMemories } from './worker-memories.ts';
import type { LoadedModel, WorkerName } from './loaded-model.ts';
import {
  describePlan,
  devicesByRole,
  isOnServers,
  placeOnServers,
  planWorkers,
  providerDevice,
  servers,
  type Placement,
  type Seat,
  type WorkerPlan,
} from './placement.ts';
import { Segmenter, type SegmenterParts } from './segmenter.ts';
import { selfTest } from './self-test.ts';
import { WorkerPool } from './worker/pool.ts';
import { Reach } from './worker/reach.ts';

/** Options of {@link loadModel}. */
export type LoadModelOptions = {
  /** Folder with `manifest.json` and the graph files. */
  readonly directory: string;
  /** Execution provider; one that is not there is an error, never a fall-back. Default: `cpu`. */
  readonly provider?: string;
  /** Devices and numbers of workers of the model's parts. Default: all on `provider`. */
  readonly placement?: Placement;
  /** Threads inside one encoder or decoder run. Default: {@link defaultThreads}. */
  readonly threads?: number;
  /** Arithmetic of the graphs, by name. Default: what the model was published for; see {@link chooseFiles}. */
  readonly precision?: Precision;
  /** One worker after the other, so that the memory of each is told. Default: all at once. */
  readonly startsInTurn?: boolean;
  /** Operators are counted where they run, which slows every run: for `countNodes`. Default: false. */
  readonly profiles?: boolean;
  /** Changes what the manifest says, such as another calibration. Default: nothing. */
  readonly adjust?: (manifest: Manifest) => Manifest;
  /** Time after which a run that does not answer hangs. Default: {@link defaultJobTimeoutMs}. */
  readonly jobTimeoutMs?: number;
  /** Called where no worker of a part is left and none can be started again; it is tried on. */
  readonly onWorkerDown?: (worker: WorkerName, cause: unknown) => void;
  /** Called after a worker that died or hung was replaced. */
  readonly onWorkerRestart?: (worker: WorkerName) => void;
  /** Graphs that inference servers run, never the refiner: it runs on every frame. Default: none. */
  readonly kserve?: KserveOptions;
  /** Called when no inference server answers any more, and when one does again. */
  readonly onReach?: (reachable: boolean, reason: string) => void;
  /** Called when a call of an inference server is over, whatever came of it. */
  readonly onServerCall?: (call: ServerCall) => void;
  readonly signal: AbortSignal;
};

/** A keyframe of many objects with a large model on a busy CPU takes some seconds. */
export const defaultJobTimeoutMs = 60_000;

/** Two threads bring a keyframe's mask sooner; more than that was not measured. */
export const defaultThreads = 2;

/**
 * Loads a model: checks its manifest and files, starts its workers and runs the golden self-test on
 * the real graphs. The caller closes the model.
 *
 * Throws `model-load-failed`, `provider-unavailable`, `usage` (a placement that does not fit the model),
 * `cancelled`.
 */
export async function loadModel(options: LoadModelOptions): Promise<LoadedModel> {
  const { directory, signal, kserve = null } = options;
  const residentBefore = process.memoryUsage.rss();
  const { adjust = (manifest: Manifest) => manifest } = options;
  const { manifest, plan } = planModel(adjust(await loadManifest(directory)), options);
  const problems = layoutProblems(manifest);
  if (problems.length > 0) throw loadFailed(`${manifest.name}: ${problems.join('; ')}`);
  const reach = new Reach<WorkerName>((isReachable, reason) =>
    options.onReach?.(isReachable, reason),
  );
  const { encoder, decoder, refiner } = makePools({ manifest, plan, reach }, options);
  const pools = [encoder, decoder, refiner].filter((pool) => pool !== null);
  const closeAll = async (): Promise<void> => {
    await Promise.all(pools.map((pool) => pool.close()));
  };
  // Graphs cannot be told to stop opening; ending their workers does it.
  const onAbort = (): void => void closeAll();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) throw signal.reason;
    const opened = options.startsInTurn ? await startInTurn(pools) : await startTogether(pools);
    const provided = describePlan(plan);
    const untested = { manifest, info: modelInfo(manifest, provided, 0) };
    const iou = await testWorkers({ ...untested, encoder, decoder, refiner }, signal);
    const memory = {
      residentBytes: process.memoryUsage.rss() - residentBefore,
      workers: workerMemories(manifest, plan, opened),
    };
    const info = modelInfo(manifest, provided, iou);
    const parts = { manifest, info, memory, encoder, decoder, refiner };
    if (kserve === null) return new Segmenter(parts);
    const servesEncoder = plan.encoder.some(({ devices }) => devices.encoder === servers);
    return new Segmenter({
      ...parts,
      servers: {
        states: () =>
          mergeStates(
            kserve.addresses,
            pools.flatMap(({ servers: seen }) => seen),
          ),
        isReachable: () => reach.isWhole,
        fallsBack: kserve.fallsBack,
        keyframesAtATime: servesEncoder ? kserve.maxCalls * plan.encoder.length : null,
      },
    });
  } catch (reason) {
    await closeAll();
    throw loadError(reason, signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Pools of the workers that the plan names; nothing runs in them before they are started. */
function makePools(
  model: {
    readonly manifest: Manifest;
    readonly plan: WorkerPlan;
    readonly reach: Reach<WorkerName>;
  },
  options: LoadModelOptions,
): Pick<SegmenterParts, WorkerName> {
  const { manifest, plan, reach } = model;
  const { directory, kserve = null, threads = defaultThreads, profiles = false } = options;
  const poolOf = (name: WorkerName, seats: readonly Seat[]): WorkerPool => {
    const setup = {
      directory,
      manifest,
      threads: name === 'refiner' ? 1 : threads,
      profiles,
      sharesFeatures: name === 'encoder' && plan.decoder !== null,
      kserve,
    };
    const hasServers = kserve !== null && seats.some((seat) => isOnServers(seat));
    const jobTimeoutMs = options.jobTimeoutMs ?? defaultJobTimeoutMs;
    return WorkerPool.of(
      seats.map((seat) => ({ ...setup, ...seat })),
      {
        // A job that waits for a server does not hang: its calls end by themselves.
        jobTimeoutMs: jobTimeoutMs + (hasServers ? 2 * kserve.waitMs : 0),
        ...(hasServers ? { maxRunning: kserve.maxCalls } : {}),
        onReach: (isReachable, reason) => reach.learn(name, isReachable, reason),
        onServerCall: (call) => options.onServerCall?.(call),
        onRestart: () => options.onWorkerRestart?.(name),
        onDown: (cause: unknown) => options.onWorkerDown?.(name, cause),
      },
    );
  };
  const poolIfAny = (name: WorkerName, seats: readonly Seat[] | null): WorkerPool | null =>
    seats === null || seats.length === 0 ? null : poolOf(name, seats);
  return {
    encoder: poolOf('encoder', plan.encoder),
    decoder: poolIfAny('decoder', plan.decoder),
    refiner: poolIfAny('refiner', plan.refiner),
  };
}

/** Has every worker answer once, so that none is cold, or wrong, when it is asked; the lowest IoU. */
async function testWorkers(parts: SegmenterParts, signal: AbortSignal): Promise<number> {
  const { manifest, encoder, decoder, refiner } = parts;
  const sizes = [encoder, decoder, refiner].map((pool) => pool?.size ?? 0);
  let iou = 1;
  for (let i = 0; i < Math.max(...sizes); i++) {
    const untested = new Segmenter({
      ...parts,
      checksOutputs: true,
      encoder: encoder.single(i),
      decoder: decoder?.single(i) ?? null,
      refiner: refiner?.single(i) ?? null,
    });
    iou = Math.min(iou, await selfTest(untested, manifest, signal));
  }
  return iou;
}

/** The workers that a model gets by its options, and the files that they open. Throws `usage`. */
export function planModel(
  manifest: Manifest,
  options: Pick<LoadModelOptions, 'provider' | 'placement' | 'precision' | 'kserve'>,
): ChosenFiles & { readonly plan: WorkerPlan } {
  const { provider = 'cpu', placement = {}, precision = null } = options;
  const here = planWorkers(manifest, { provider: providerDevice(provider), placement });
  const plan = placeOnServers(here, options.kserve?.models ?? {});
  const devices = devicesByRole(plan);
  const isOnCpu = (role: GraphRole): boolean =>
    devices.get(role)?.every((device) => device.provider === 'cpu') ?? false;
  return { ...chooseFiles(manifest, precision, isOnCpu), plan };
}

async function startTogether(pools: readonly WorkerPool[]): Promise<null> {
  await Promise.all(pools.map((pool) => pool.start()));
  return null;
}

/** Bytes of resident memory that each worker of each pool took. */
async function startInTurn(pools: readonly WorkerPool[]): Promise<number[][]> {
  const grown: number[][] = [];
  for (const pool of pools) grown.push(await pool.startInTurn());
  return grown;
}

/** What a failed load is to its caller: who stopped it comes first. */
function loadError(reason: unknown, signal: AbortSignal): SegmentationError {
  if (signal.aborted) {
    return new SegmentationError('cancelled', 'loading was cancelled', { cause: signal.reason });
  }
  const error = SegmentationError.from(reason);
  const whileLoading = ['worker-died', 'model-failed', 'inference-unavailable'];
  if (!whileLoading.includes(error.code)) return error;
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return new SegmentationError('model-load-failed', `${error.message}${cause}`, { cause: error });
}

function loadFailed(message: string): SegmentationError {
  return new SegmentationError('model-load-failed', message);
}
