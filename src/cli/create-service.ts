import type { Config } from '../config.ts';
import type { Listen } from '../settings.ts';
import type { ModelInfo } from '../frame/model.ts';
import { packageVersion } from '../package-root.ts';
import type { MaskstreamServer, MetricsPort, PredictLoad } from '../server/index.ts';
import { createServer, loadPredictor, openMetricsPort } from '../server/index.ts';
import type { JsonLogger } from './json-logger.ts';
import { measureCosts } from './measure-costs.ts';
import { openServiceParts, type ServiceBase, type ServiceParts } from './open-service-parts.ts';
import { openSessions } from './open-sessions.ts';
import { openTelemetry } from './open-telemetry.ts';
import { openSecrets, type Secrets } from './renew-secrets.ts';

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
async function plugTogether(config: Config, base: ServiceBase): Promise<Service> {
  const parts = await openServiceParts(config, base);
  const { log, metrics, observed, telemetry, secrets, gateway, model, trackers } = parts;
  const release = async () => {
    secrets[Symbol.dispose]();
    await Promise.all([gateway?.close(), model.close(), trackers.close()]);
    await telemetry.close();
    await observed?.[Symbol.asyncDispose]();
  };
  let server: MaskstreamServer | null = null;
  try {
    const predictLoad = await measurePredictor(config, parts);
    server = createServer({
      sessions: openSessions(parts),
      models: [model.info],
      limits: parts.limits,
      log,
      metrics,
      tracer: telemetry.tracer,
      transport: secrets.transport,
      identify: secrets.identify,
      ...(predictLoad === null ? {} : { predictLoad }),
    });
    return await startServing(config, { ...parts, server, release });
  } catch (reason) {
    // It may listen already, which would keep the process alive.
    await server?.close();
    await release();
    throw reason;
  }
}

/** What predicts a stream's cost, from this machine's; null where nobody asks what streams cost. */
async function measurePredictor(
  config: Config,
  { log, signal, observed, secrets, model, trackers }: ServiceParts,
): Promise<PredictLoad | null> {
  const bounds = [config.maxLoad, config.maxLoadPerClient, secrets.identify, observed];
  if (bounds.every((one) => one === null)) return null;
  const costs = await measureCosts(model, trackers, { threads: config.modelThreads, signal });
  log.info(costs, 'costs measured');
  return loadPredictor(costs);
}

/** Listens, tells the probes, and says how it all ends. */
async function startServing(
  config: Config,
  parts: ServiceParts & {
    readonly server: MaskstreamServer;
    readonly release: () => Promise<void>;
  },
): Promise<Service> {
  const { server, release, observed, secrets, gateway, watch, model } = parts;
  const port = await server.start(config.listen);
  secrets.onTransport((renewed) => {
    server.renewTransport(renewed);
    gateway?.renewTransport(renewed);
  });
  if (gateway !== null) gateway.serveCalls(await server.listenInside());
  const { name } = model.info;
  watch.onHealth(() => server.setModelHealth(name, watch.down.size === 0));
  if (observed !== null) announce(observed, parts);
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
}

/** Tells the metrics port what runs here, and that it serves. */
function announce(observed: MetricsPort, parts: ServiceParts): void {
  const { limits, ffmpeg, watch, model, objectMemory } = parts;
  const { name, provider } = model.info;
  observed.watchFailure(() =>
    watch.down.size === 0
      ? null
      : `no worker of ${name} can be started: ${[...watch.down].join(', ')}`,
  );
  const build = { version: packageVersion(), model: name, provider, ffmpeg: ffmpeg.version };
  observed.describe(build, limits);
  observed.watchMemory({ name, ...model.memory }, objectMemory);
  observed.enter('serving');
}

function addressOf({ port }: MetricsPort, listen: Listen | null): string {
  const host = listen?.host ?? '';
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`;
}
