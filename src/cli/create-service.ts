import type { Config } from '../config.ts';
import type { ModelInfo } from '../frame/model.ts';
import { loadModel } from '../inference/index.ts';
import {
  createTrackerPool,
  KeyframeBudget,
  type ModelEvent,
  ObjectMemoryPool,
  runSession,
  type SessionOptions,
} from '../pipeline/index.ts';
import type { MaskstreamServer, MetricsPort, Telemetry } from '../server/index.ts';
import {
  combineMetrics,
  createServer,
  loadPredictor,
  openMetricsPort,
  resolveServerLimits,
} from '../server/index.ts';
import { createDecoder, createImageDecoder } from '../video/index.ts';
import { checkFfmpeg } from './check-ffmpeg.ts';
import { findConfiguredFfmpeg } from './find-configured-ffmpeg.ts';
import type { JsonLogger } from './json-logger.ts';
import { measureCosts } from './measure-costs.ts';
import { openSecrets, type Secrets } from './renew-secrets.ts';
import { packageVersion } from '../package-root.ts';
import type { Listen } from '../settings.ts';
import { modelDirectory } from '../models/model-folders.ts';
import { placedAs } from './placed-as.ts';
import { openTelemetry } from './open-telemetry.ts';
import { openPageGateway } from './open-page-gateway.ts';
import { readKserve } from './read-kserve.ts';

/** A running server with everything behind it. */
export type Service = AsyncDisposable & {
  readonly host: string;
  /** The port in use, also where the config asked for any free one. */
  readonly port: number;
  readonly model: ModelInfo;
  /** Where the live page is, such as `http://127.0.0.1:50080`; null where it is not served. */
  readonly pageAddress: string | null;
  /** Where metrics are, such as `http://127.0.0.1:9090/metrics`; null where they are not served. */
  readonly metricsAddress: string | null;
  /** Streams that are being served. */
  activeStreams(): number;
  /** Threads that hang in native code: a process that has some cannot end by itself. */
  hungThreads(): number;
  /** Stops in order: no new streams, a notice and the grace time for the live ones, then `close`. */
  drain(): Promise<void>;
  /** Ends streams, children and threads; idempotent. */
  close(): Promise<void>;
};

/**
 * Plugs the folders together: the one place that knows all of them. The caller closes the service.
 *
 * Throws `model-load-failed`, `provider-unavailable`, `decoder-failed`, `unreadable-file`, `usage`
 * (the address cannot be listened on), `cancelled`.
 */
export async function createService(
  config: Config,
  options: { readonly log: JsonLogger; readonly signal: AbortSignal },
): Promise<Service> {
  // Before everything else: the probes say that it starts.
  const observed = config.metrics === null ? null : await openMetricsPort(config.metrics);
  const telemetry = await openTelemetry(config.telemetry, options.log);
  let secrets: Secrets | null = null;
  try {
    secrets = await openSecrets(config, options);
    return await plugTogether(config, { ...options, observed, telemetry, secrets });
  } catch (reason) {
    secrets?.[Symbol.dispose]();
    await telemetry.close();
    await observed?.[Symbol.asyncDispose]();
    throw reason;
  }
}

/** See {@link createService}; the metrics port is open already. */
async function plugTogether(
  config: Config,
  options: {
    readonly log: JsonLogger;
    readonly signal: AbortSignal;
    readonly observed: MetricsPort | null;
    readonly telemetry: Telemetry;
    readonly secrets: Secrets;
  },
): Promise<Service> {
  const { log, signal, observed, telemetry, secrets } = options;
  const metrics = combineMetrics([telemetry.metrics, ...(observed ? [observed.metrics] : [])]);
  const { transport, identify } = secrets;
  const ffmpeg = await findConfiguredFfmpeg(config);
  checkFfmpeg(ffmpeg, config);
  log.info({ ffmpeg: ffmpeg.path }, ffmpeg.describe);
  const limits = resolveServerLimits({
    maxStreams: config.maxStreams,
    maxStreamsPerClient: config.maxStreamsPerClient,
    maxLoad: config.maxLoad,
    maxLoadPerClient: config.maxLoadPerClient,
    maxPixelsPerSecond: config.maxPixelsPerSecond,
    maxPixelsPerSecondPerClient: config.maxPixelsPerSecondPerClient,
    maxObjectsPerClient: config.maxObjectsPerClient,
  });
  const kserve = config.kserve && (await readKserve(config.kserve));
  const directory = modelDirectory(config.model, config.modelCache);
  // Before the model: the page answers, and says so, while it is being loaded.
  const gateway = await openPageGateway(config, { transport, limits, log });
  const modelListeners = new Set<(event: ModelEvent) => void>();
  const tellStreams = (event: ModelEvent): void => {
    for (const listener of modelListeners) listener(event);
  };
  const inferenceLost = {
    kind: 'inference-lost',
    waitSeconds: (kserve?.waitMs ?? 0) / 1000,
  } as const;
  let isInferenceLost = false;
  /** Workers that cannot be started, by what the model needs them for. */
  const down = new Set<string>();
  let onHealth: (() => void) | null = null;
  const model = await loadModel({
    directory,
    ...placedAs(config),
    threads: config.modelThreads,
    jobTimeoutMs: config.modelTimeoutMs,
    ...(kserve && { kserve }),
    onReach: (reachable, reason) => {
      isInferenceLost = !reachable;
      if (reachable) log.info({ reason }, 'an inference server answers again');
      else log.error({ reason }, 'no inference server answers');
      tellStreams(reachable ? { kind: 'inference-back' } : inferenceLost);
    },
    onWorkerDown: (worker, cause) => {
      log.error({ worker, err: cause }, 'model worker cannot be started');
      down.add(worker);
      onHealth?.();
    },
    onWorkerRestart: (worker) => {
      down.delete(worker);
      onHealth?.();
      log.warn({ worker }, 'model worker restarted');
      metrics.workerRestarted(worker);
      tellStreams({ kind: 'worker-restarted' });
    },
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
  const objectMemory = new ObjectMemoryPool({ maxBytes: config.maxObjectMemoryBytes });
  metrics.watchQueue('tracker', () => trackers.pendingCalls());
  const release = async () => {
    secrets[Symbol.dispose]();
    await Promise.all([gateway?.close(), model.close(), trackers.close()]);
    await telemetry.close();
    await observed?.[Symbol.asyncDispose]();
  };
  let started: MaskstreamServer | null = null;
  try {
    const shared = {
      trackers,
      nowMs: () => performance.now(),
      budget: new KeyframeBudget(
        () => performance.now(),
        () => model.keyframesAtATime(),
      ),
      objectMemory,
      watchModel: (listener: (event: ModelEvent) => void) => {
        if (isInferenceLost) listener(inferenceLost);
        modelListeners.add(listener);
        return () => modelListeners.delete(listener);
      },
    };
    // EVERY_FRAME promises the same bits, whoever runs the model.
    const partsOf = ({ owner = '', delivery }: SessionOptions) => ({
      ...shared,
      segmenter: model.forUser({ owner, mayFallBack: delivery === 'latest' }),
    });
    const bounds = [config.maxLoad, config.maxLoadPerClient, identify, observed];
    const isWeighed = bounds.some((one) => one !== null);
    const costs = isWeighed
      ? await measureCosts(model, trackers, { threads: config.modelThreads, signal })
      : null;
    if (costs !== null) log.info(costs, 'costs measured');
    const decode = createDecoder({ ffmpeg });
    const decodeImage = createImageDecoder({ ffmpeg });
    const server = createServer({
      sessions: {
        openVideo: (inputs, session) =>
          runSession(inputs, session, { ...partsOf(session), decode }),
        openImage: (inputs, session) =>
          runSession(inputs, session, { ...partsOf(session), decode: decodeImage }),
      },
      models: [model.info],
      limits,
      log,
      metrics,
      tracer: telemetry.tracer,
      transport,
      identify,
      ...(costs === null ? {} : { predictLoad: loadPredictor(costs) }),
    });
    started = server;
    const port = await server.start(config.listen);
    secrets.onTransport((renewed) => {
      server.renewTransport(renewed);
      gateway?.renewTransport(renewed);
    });
    if (gateway !== null) gateway.serveCalls(await server.listenInside());
    const { name, provider } = model.info;
    onHealth = () => server.setModelHealth(name, down.size === 0);
    observed?.watchFailure(() =>
      down.size === 0 ? null : `no worker of ${name} can be started: ${[...down].join(', ')}`,
    );
    const build = { version: packageVersion(), model: name, provider, ffmpeg: ffmpeg.version };
    observed?.describe(build, limits);
    observed?.watchMemory({ name, ...model.memory }, objectMemory);
    observed?.enter('serving');
    const close = async () => {
      await server.close();
      await release();
    };
    return {
      host: config.listen.host,
      port,
      model: model.info,
      pageAddress: gateway?.address ?? null,
      metricsAddress: observed === null ? null : addressOf(observed, config.metrics),
      activeStreams: () => server.activeStreams,
      hungThreads: () => model.hungThreads(),
      drain: async () => {
        observed?.enter('draining');
        gateway?.drain();
        await server.drain({ graceMs: config.drainGraceMs });
        await close();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (reason) {
    // It may listen already, which would keep the process alive.
    await started?.close();
    await release();
    throw reason;
  }
}

function addressOf({ port }: MetricsPort, listen: Listen | null): string {
  const host = listen?.host ?? '';
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`;
}
