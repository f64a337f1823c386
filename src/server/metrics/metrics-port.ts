import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { SegmentationError } from '../../frame/errors.ts';
import type { ServerMetrics } from '../server-metrics.ts';
import { pacedText } from './paced-text.ts';
import type {
  BuildInfo,
  DescribedLimits,
  ModelMemory,
  ObjectMemory,
} from './prometheus-metrics.ts';
import { tendConnections } from './tend-connections.ts';

/** Where a server is in its life: it starts, serves, goes away. */
export type Phase = 'starting' | 'serving' | 'draining';

/** The port that operators and orchestrators ask; it serves no client. */
export type MetricsPort = AsyncDisposable & {
  readonly port: number;
  /** What the server counts into. */
  readonly metrics: ServerMetrics;
  /** See `PrometheusMetrics`. */
  watchMemory(model: ModelMemory, objects: ObjectMemory): void;
  describe(build: BuildInfo, limits: DescribedLimits): void;
  enter(phase: Phase): void;
  /** Reasons why the server cannot work at all until it is started anew; null: it can. */
  watchFailure(failure: () => string | null): void;
};

const noFailure = (): string | null => null;

/** Headers of a request must be complete by then; a connection is closed where nothing moves for so long. */
const quietMs = 10_000;

/** Node looks this often for connections whose headers do not come. */
const connectionsCheckingInterval = 1000;

/** A scraper needs one, probes another few. */
const maxConnections = 64;

/** Texts are some milliseconds of the main thread: at most ten of them in a second. */
const textPauseMs = 100;

/**
 * Opens the metrics port: `/metrics` in Prometheus' text format, and the three probes, which answer
 * 200 or 503 with the reason: `/startupz` from the moment that the model is loaded, `/readyz` while
 * new streams are taken, `/livez` unless only a restart can help. The library that counts is loaded
 * here and nowhere else.
 *
 * @throws SegmentationError `usage` if the address cannot be listened on
 */
export async function openMetricsPort(address: {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}): Promise<MetricsPort> {
  const { createPrometheusMetrics } = await import('./prometheus-metrics.ts');
  const prometheus = createPrometheusMetrics();
  let phase: Phase = 'starting';
  let failure = noFailure;
  const text = pacedText(() => {
    prometheus.setReady(failure() === null && phase === 'serving');
    return prometheus.text();
  }, textPauseMs);
  const notServing = () => (phase === 'serving' ? null : `the server is ${phase}`);
  const probes: Readonly<Record<string, () => string | null>> = {
    '/startupz': () => (phase === 'starting' ? 'the model is being loaded' : null),
    '/readyz': () => failure() ?? notServing(),
    '/livez': () => failure(),
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.replace(/\?.*$/, '') ?? '/';
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      say(response, 405, `expected GET, got ${request.method}`);
      return;
    }
    if (path === '/metrics') {
      const body = await text();
      response.writeHead(200, { 'content-type': prometheus.contentType }).end(body);
      return;
    }
    const probe = Object.hasOwn(probes, path) ? probes[path] : undefined;
    if (probe === undefined) {
      const known = ['/metrics', ...Object.keys(probes)].join(', ');
      say(response, 404, `expected one of ${known}, got another path`);
      return;
    }
    const problem = probe();
    say(response, problem === null ? 200 : 503, problem ?? 'ok');
  };

  const http = createServer({ connectionsCheckingInterval });
  const isNext = tendConnections(http, { maxConnections, quietMs });
  http.on('request', (request, response) => {
    if (!isNext(request, response)) return;
    answer(request, response).catch(() => say(response, 500, 'internal error'));
  });
  const port = await new Promise<number>((resolve, reject) => {
    http.once('error', (cause) => {
      const where = `${address.host}:${address.port}`;
      const message = `must be able to listen on ${where} for metrics, got ${cause.message}`;
      reject(new SegmentationError('usage', message, { cause }));
    });
    http.listen(address.port, address.host, () => {
      const bound = http.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : address.port);
    });
  });
  let closing: Promise<void> | null = null;
  return {
    port,
    metrics: prometheus.metrics,
    describe: (build, limits) => prometheus.describe(build, limits),
    watchMemory: (model, objects) => prometheus.watchMemory(model, objects),
    enter: (next) => (phase = next),
    watchFailure: (ask) => (failure = ask),
    [Symbol.asyncDispose]: () =>
      (closing ??= new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      })),
  };
}

function say(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
