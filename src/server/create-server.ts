import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  logVerbosity,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  setLogVerbosity,
  type ServerOptions as GrpcOptions,
} from '@grpc/grpc-js';
import { SegmentationError } from '../frame/errors.ts';
import type { ListModelsResponse } from '../gen/maskstream/v1/model.ts';
import { guardConnections } from './admission/guard-connections.ts';
import { affordableConnections } from './admission/handle-budget.ts';
import { guardCalls } from './admission/guard-calls.ts';
import { anyone } from './admission/identity.ts';
import { keepDoor } from './admission/authentication.ts';
import { LoadLedger } from './admission/load-ledger.ts';
import { ObjectLedger } from './admission/object-ledger.ts';
import { reportRefusals } from './admission/report-refusals.ts';
import { Calls } from './call-registry.ts';
import { statusOfError } from './error-status.ts';
import { encodeModels } from './responses/list-models.ts';
import { silentLogger } from './logger.ts';
import { createHealth } from './health.ts';
import { addReflection } from './reflection.ts';
import { segmentImage } from './segment-image.ts';
import { segmentVideo } from './segment-video.ts';
import { resolveServerLimits, type ServerLimits } from './server-limits.ts';
import { silentMetrics } from './server-metrics.ts';
import { silentTracer } from './server-tracing.ts';
import type { ServerContext, ServerOptions, Transport } from './server-options.ts';
import { createMaskWorkers } from './mask-workers/mask-workers.ts';
import { RequestParser } from './requests/received-request.ts';
import { type ModelsCall, serviceWith } from './video-service.ts';
import { loadProtoFiles } from './wire-scan/proto-files.ts';
import { WireSchemas } from './wire-scan/wire-schema.ts';

const defaultKeepalive = { intervalMs: 30_000, timeoutMs: 10_000 };

/** Calls of one connection at a time that have no place: health checks, lists, and what is refused. */
const callsBesides = 128;

// After the streams have ended, connections have this long to notice.
const disconnectMs = 2_000;

/** A gRPC server. `drain` or `close` ends it; both may be called more than once. */
export type MaskstreamServer = AsyncDisposable & {
  /** The port it listens on; null before `start`. */
  readonly port: number | null;
  /** Calls that are being served. */
  readonly activeStreams: number;
  /** Listens on `host:port`, port 0 for any free one, and resolves with the port. */
  start(address: { readonly host: string; readonly port: number }): Promise<number>;
  /**
   * Listens on a socket in a private folder as well, for the gateway of this process, and resolves
   * with its gRPC address. Whoever can open it is this user; calls are checked as on the port.
   */
  listenInside(): Promise<string>;
  /** Uses renewed certificates for new connections; the kind of the transport stays. */
  renewTransport(transport: Transport): void;
  /** Says whether a model can be used: its health, and that of the server where there is no other. */
  setModelHealth(model: string, isUsable: boolean): void;
  /**
   * Goes away in order: health NOT_SERVING, no new streams, a going-away notice to the live ones,
   * `graceMs` for them to end, UNAVAILABLE for the rest; then closes.
   */
  drain(options: { readonly graceMs: number }): Promise<void>;
  /** Ends the live streams with UNAVAILABLE now, and closes. */
  close(): Promise<void>;
};

/** Puts the service together; nothing listens before `start`. */
export function createServer(options: ServerOptions): MaskstreamServer {
  const wanted = resolveServerLimits(options.limits);
  const maxConnections = affordableConnections(wanted.maxConnections, wanted.maxStreams);
  const limits = { ...wanted, maxConnections };
  const calls = new Calls(limits);
  const { sessions, models, log = silentLogger, metrics = silentMetrics } = options;
  const connections = guardConnections(
    { maxConnections, firstCallTimeoutMs: limits.requestTimeoutMs },
    { log, metrics },
  );
  const report = reportRefusals(log);
  const guard = guardCalls(limits, {
    metrics,
    onRefused: ({ metadata, ...call }, error) => {
      const principal = metadata === null ? anyone : door.principalOf(metadata);
      report({ ...call, principal: principal.name }, error);
    },
  });
  const { refusalOf } = guard;
  const door = keepDoor(options.identify ?? null, { log, metrics, refusalOf, report });
  const server = new Server(grpcOptions(options, limits, [guard.interceptor, door.interceptor]));
  const health = createHealth(models.map(({ name }) => name));
  const protoFiles = loadProtoFiles();
  const parser = new RequestParser(new WireSchemas(protoFiles), limits.maxRequestElements);
  const masks = createMaskWorkers();
  metrics.watchQueue('mask', () => masks.waiting);
  const { principalOf } = door;
  const load = new LoadLedger(limits);
  metrics.watchLoad(() => load.total);
  const { predictLoad = () => 0, tracer = silentTracer } = options;
  const objects = new ObjectLedger(limits);
  const admission = { principalOf, refusalOf, load, objects, predictLoad };
  const shared = { limits, log, metrics, tracer, calls, masks, connections, ...admission };
  addService(server, parser, { sessions, models, ...shared });
  health.addToServer(server);
  addReflection(server);

  let port: number | null = null;
  let inside: string | null = null;
  let ending: Promise<void> | null = null;
  const end = async (graceMs: number) => {
    health.drain();
    await calls.drain(graceMs);
    await disconnect(server);
    guard[Symbol.dispose]();
    await masks[Symbol.asyncDispose]();
    if (inside !== null) rmSync(inside, { recursive: true, force: true });
  };

  return {
    get port() {
      return port;
    },
    get activeStreams() {
      return calls.size;
    },
    async start(address) {
      port = await bind(server, address, options.transport ?? { kind: 'insecure' });
      connections.watch(server);
      guard.watch(server);
      health.serve();
      log.info({ host: address.host, port, maxConnections }, 'listening');
      return port;
    },
    async listenInside() {
      inside ??= makeTemporaryFolder();
      const address = `unix:${join(inside, 'grpc.sock')}`;
      await bindTo(server, address, ServerCredentials.createInsecure());
      connections.trust(server);
      return address;
    },
    renewTransport: (transport) => {
      if (transport.kind === 'tls') connections.renew(server, transport);
    },
    setModelHealth: (model, isUsable) => health.setModel(model, isUsable),
    drain: ({ graceMs }) => (ending ??= end(graceMs)),
    close: async () => {
      calls.abort();
      await (ending ??= end(0));
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

function addService(server: Server, parser: RequestParser, context: ServerContext): void {
  server.addService(serviceWith(parser), {
    segmentVideo: (call: Parameters<typeof segmentVideo>[0]) => void segmentVideo(call, context),
    segmentImage: (
      call: Parameters<typeof segmentImage>[0],
      respond: Parameters<typeof segmentImage>[1],
    ) => void segmentImage(call, respond, context),
    listModels: (call: ModelsCall, respond: sendUnaryData<ListModelsResponse>) => {
      const { request } = call;
      const { name: principal } = context.principalOf(call.metadata);
      const code = request.kind === 'refused' ? request.error.code : 'ok';
      const startedMs = performance.now();
      if (request.kind === 'refused') respond(statusOfError(request.error));
      else respond(null, encodeModels(context.models, context.limits));
      const durationMs = Math.round(performance.now() - startedMs);
      const line = { kind: 'models', peer: call.getPeer(), principal, code, durationMs };
      context.log.info(line, 'call ended');
    },
  });
}

function grpcOptions(
  options: ServerOptions,
  limits: ServerLimits,
  interceptors: ServerInterceptor[],
): GrpcOptions {
  const keepalive = options.keepalive ?? defaultKeepalive;
  return {
    interceptors,
    'grpc.max_receive_message_length': limits.maxRequestBytes,
    'grpc.max_send_message_length': limits.maxResponseBytes,
    // A thousand of them come in one read, and each costs what a call costs; clients let more wait.
    'grpc.max_concurrent_streams': limits.maxStreams + callsBesides,
    'grpc.keepalive_time_ms': keepalive.intervalMs,
    'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
    // An address to listen on is no service to ask the DNS server about.
    'grpc.service_config_disable_resolution': 1,
    'grpc.max_connection_idle_ms': limits.connectionIdleMs,
    // Its books on each connection are read by nobody here.
    'grpc.enable_channelz': 0,
  };
}

function credentialsOf(transport: Transport): ServerCredentials {
  if (transport.kind === 'insecure') return ServerCredentials.createInsecure();
  const { certificate, privateKey, clientAuthorities } = transport;
  return ServerCredentials.createSsl(
    clientAuthorities,
    [{ cert_chain: certificate, private_key: privateKey }],
    clientAuthorities !== null,
  );
}

function bind(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  transport: Transport,
): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return bindTo(server, address, credentialsOf(transport));
}

function bindTo(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  // What grpc-js would print on standard error comes back as an error.
  setLogVerbosity(logVerbosity.NONE);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else {
        // grpc-js joins what each address it tried gave; the cause would say it again.
        const reason = /\bE[A-Z]+: ([^[\]]+?) \S+\]/.exec(error.message)?.[1] ?? error.message;
        const message = `must be able to listen on ${address}, got: ${reason}`;
        reject(new SegmentationError('usage', message));
      }
    });
  });
}

function makeTemporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'maskstream-'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `expected a folder for temporary files, which TMPDIR names, got: ${reason}`;
    throw new SegmentationError('usage', message);
  }
}

async function disconnect(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  const timer = setTimeout(() => server.forceShutdown(), disconnectMs);
  await closed;
  clearTimeout(timer);
  // Channelz and bound sockets that never had a connection.
  server.forceShutdown();
}
