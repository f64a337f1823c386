import type { Config } from '../config.ts';
import { loadModel, type LoadedModel } from '../inference/index.ts';
import { createTrackerPool, ObjectMemoryPool, type WatchedTrackerPool } from '../pipeline/index.ts';
import type { MetricsPort, ServerLimits, ServerMetrics, Telemetry } from '../server/index.ts';
import { combineMetrics, resolveServerLimits } from '../server/index.ts';
import type { FfmpegBinary } from '../video/index.ts';
import { modelDirectory } from '../models/model-folders.ts';
import { checkFfmpeg } from './check-ffmpeg.ts';
import { findConfiguredFfmpeg } from './find-configured-ffmpeg.ts';
import type { JsonLogger } from './json-logger.ts';
import { ModelWatch } from './model-watch.ts';
import { openPageGateway, type PageGateway } from './open-page-gateway.ts';
import { placedAs } from './placed-as.ts';
import { readKserve } from './read-kserve.ts';
import type { Secrets } from './renew-secrets.ts';

/** What a service is built on: open before everything else, and closed after it. */
export type ServiceBase = {
  readonly log: JsonLogger;
  readonly signal: AbortSignal;
  readonly observed: MetricsPort | null;
  readonly telemetry: Telemetry;
  readonly secrets: Secrets;
};

/** All parts of a service before it listens. */
export type ServiceParts = ServiceBase & {
  readonly limits: ServerLimits;
  readonly metrics: ServerMetrics;
  readonly ffmpeg: FfmpegBinary;
  readonly gateway: PageGateway | null;
  readonly watch: ModelWatch;
  readonly model: LoadedModel;
  readonly trackers: WatchedTrackerPool;
  readonly objectMemory: ObjectMemoryPool;
};

/**
 * Opens what a server is given. A failure leaves nothing of it open but the base.
 *
 * Throws `model-load-failed`, `provider-unavailable`, `decoder-failed`, `unreadable-file`, `usage`,
 * `cancelled`.
 */
export async function openServiceParts(config: Config, base: ServiceBase): Promise<ServiceParts> {
  const { log, signal, observed, telemetry, secrets } = base;
  const metrics = combineMetrics([telemetry.metrics, ...(observed ? [observed.metrics] : [])]);
  const ffmpeg = await findConfiguredFfmpeg(config);
  checkFfmpeg(ffmpeg, config);
  log.info({ ffmpeg: ffmpeg.path }, ffmpeg.describe);
  const limits = limitsOf(config);
  const kserve = config.kserve && (await readKserve(config.kserve));
  const directory = modelDirectory(config.model, config.modelCache);
  // Before the model: the page answers, and says so, while it is being loaded.
  const { transport } = secrets;
  const gateway = await openPageGateway(config, { transport, limits, log });
  const watch = new ModelWatch({ log, metrics, waitMs: kserve?.waitMs ?? 0 });
  const model = await loadModel({
    directory,
    ...placedAs(config),
    threads: config.modelThreads,
    jobTimeoutMs: config.modelTimeoutMs,
    ...(kserve && { kserve }),
    ...watch.listeners,
    signal,
  }).catch(async (reason: unknown) => {
    await gateway?.close();
    throw reason;
  });
  const trackers = createTrackerPool({
    maxThreads: config.trackerWorkers,
    onDeath: (cause) => {
      log.error({ err: cause }, 'tracking thread died; its streams go on in another one');
      metrics.workerRestarted('tracker');
    },
  });
  for (const part of ['encoder', 'decoder', 'refiner'] as const) {
    metrics.watchQueue(part, () => model.waitingJobs()[part]);
  }
  metrics.watchQueue('tracker', () => trackers.pendingCalls());
  if (kserve !== null) {
    const graphs = Object.keys(kserve.models);
    metrics.watchInferenceServers({ graphs, states: () => model.inferenceServers() });
  }
  const objectMemory = new ObjectMemoryPool({ maxBytes: config.maxObjectMemoryBytes });
  const served = { limits, metrics, ffmpeg, gateway };
  return { ...base, ...served, watch, model, trackers, objectMemory };
}

function limitsOf(config: Config): ServerLimits {
  return resolveServerLimits({
    maxStreams: config.maxStreams,
    maxStreamsPerClient: config.maxStreamsPerClient,
    maxLoad: config.maxLoad,
    maxLoadPerClient: config.maxLoadPerClient,
    maxPixelsPerSecond: config.maxPixelsPerSecond,
    maxPixelsPerSecondPerClient: config.maxPixelsPerSecondPerClient,
    maxObjectsPerClient: config.maxObjectsPerClient,
  });
}
