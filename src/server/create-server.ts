import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerOptions as GrpcOptions } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { SegmentationError } from '../frame/errors.ts';
import { requireToken } from './authentication.ts';
import { Calls } from './call-registry.ts';
import { encodeModels } from './responses/list-models.ts';
import { silentLogger } from './logger.ts';
import { addReflection } from './reflection.ts';
import { segmentImage } from './segment-image.ts';
import { segmentVideo } from './segment-video.ts';
import { resolveServerLimits, type ServerLimits } from './server-limits.ts';
import type { ServerContext, ServerOptions, Transport } from './server-options.ts';
import { servedService } from './video-service.ts';

const serviceName = 'maskstream.v1.SegmentationService';
const defaultKeepalive = { intervalMs: 30_000, timeoutMs: 10_000 };

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
  const limits = resolveServerLimits(options.limits);
  const calls = new Calls(limits.maxStreams);
  const { sessions, models, log = silentLogger } = options;
  const server = new Server(grpcOptions(options, limits));
  const health = new HealthImplementation({ '': 'NOT_SERVING', [serviceName]: 'NOT_SERVING' });
  addService(server, { sessions, models, limits, log, calls });
  health.addToServer(server);
  addReflection(server);

  let port: number | null = null;
  let inside: string | null = null;
  let ending: Promise<void> | null = null;
  const announce = (status: 'SERVING' | 'NOT_SERVING') => {
    health.setStatus('', status);
    health.setStatus(serviceName, status);
  };
  const end = async (graceMs: number) => {
    announce('NOT_SERVING');
    await calls.drain(graceMs);
    await disconnect(server);
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
      announce('SERVING');
      log.info({ host: address.host, port }, 'listening');
      return port;
    },
    async listenInside() {
      inside ??= mkdtempSync(join(tmpdir(), 'maskstream-'));
      const address = `unix:${join(inside, 'grpc.sock')}`;
      await bindTo(server, address, ServerCredentials.createInsecure());
      return address;
    },
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

function addService(server: Server, context: ServerContext): void {
  server.addService(servedService, {
    segmentVideo: (call: Parameters<typeof segmentVideo>[0]) => void segmentVideo(call, context),
    segmentImage: (
      call: Parameters<typeof segmentImage>[0],
      respond: Parameters<typeof segmentImage>[1],
    ) => void segmentImage(call, respond, context),
    listModels: (
      _call: unknown,
      respond: (error: null, response: ReturnType<typeof encodeModels>) => void,
    ) => respond(null, encodeModels(context.models)),
  });
}

function grpcOptions(options: ServerOptions, limits: ServerLimits): GrpcOptions {
  const keepalive = options.keepalive ?? defaultKeepalive;
  return {
    interceptors:
      options.token === undefined ? [] : [requireToken(options.token, options.log ?? silentLogger)],
    'grpc.max_receive_message_length': limits.maxRequestBytes,
    'grpc.max_send_message_length': limits.maxResponseBytes,
    'grpc.keepalive_time_ms': keepalive.intervalMs,
    'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
    // An address to listen on is no service to ask the DNS server about.
    'grpc.service_config_disable_resolution': 1,
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
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else {
        const message = `must be able to listen on ${address}, got ${error.message}`;
        reject(new SegmentationError('usage', message, { cause: error }));
      }
    });
  });
}

async function disconnect(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  const timer = setTimeout(() => server.forceShutdown(), disconnectMs);
  await closed;
  clearTimeout(timer);
  // Channelz and bound sockets that never had a connection.
  server.forceShutdown();
}
