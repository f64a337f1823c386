import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { Client, credentials, status as grpcStatus } from '@grpc/grpc-js';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import { SegmentationError } from '../../frame/errors.ts';
import type { Logger } from '../logger.ts';
import type { ServerLimits } from '../server-limits.ts';
import type { Transport } from '../server-options.ts';
import { addressProblem, type AllowedOrigins } from './allowed-origins.ts';
import { maxBytesOf } from '../admission/method-limits.ts';
import { bridgeCall } from './bridge-call.ts';
import { pathOf, servePage, type PageFiles } from './page-files.ts';
import { gatewayMethods } from './gateway-methods.ts';
import { guardMessages, type MessageGuard } from './guard-messages.ts';

/** Where browsers reach the service: the live page, and one WebSocket for each call. */
export type Gateway = AsyncDisposable & {
  /** The port it listens on. */
  readonly port: number;
  /** Takes no new sockets; the live ones end with their calls. */
  drain(): void;
  /** Uses renewed certificates for new connections. */
  renewTransport(transport: Transport): void;
  /** Ends every socket and closes the port; idempotent. */
  close(): Promise<void>;
};

/** Options of {@link openGateway}. */
export type GatewayOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * The gRPC server's address inside this process: every call goes through its one door. Null while
   * the model still loads; calls are then told to come again.
   */
  readonly target: () => string | null;
  readonly transport: Transport;
  readonly origins: AllowedOrigins;
  readonly limits: ServerLimits;
  /** The built page; null serves WebSockets alone. */
  readonly page: PageFiles | null;
  readonly log: Logger;
};

/**
 * Time for a connection's headers and a socket's first message, and for reading on of what the page is:
 * nobody holds a place by doing nothing.
 */
const beginTimeoutMs = 10_000;

/** Sockets at a time for each place of a stream: idle ones cost little, but not nothing. */
const socketsPerStream = 4;

/** Connections beside those of sockets: browsers that load the page. */
const pageConnections = 256;

/** Time for a peer to close its side of a socket that is over. */
const closeTimeoutMs = 2000;

/** Node looks this often for connections whose headers do not come. */
const connectionsCheckingInterval = 1000;

/**
 * Opens the gateway: HTTP for the page, WebSocket for calls. Each socket speaks gRPC with the
 * server's own port through a connection of its own, so that limits, identity and accounting are
 * those of any gRPC client; message bytes pass through undecoded.
 *
 * Throws `usage` if the address cannot be listened on.
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { limits, log } = options;
  // The library's types do not know `closeTimeout` yet.
  const socketOptions: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    maxPayload: limits.maxRequestBytes,
    perMessageDeflate: false,
    clientTracking: true,
    closeTimeout: closeTimeoutMs,
  };
  const sockets = new WebSocketServer(socketOptions);
  // Those that only wait for their peer's goodbye hold no place.
  const openSockets = () =>
    [...sockets.clients].filter(({ readyState }) => readyState === WebSocket.OPEN).length;
  const guard = guardMessages(limits);
  const maxSockets = limits.maxStreams * socketsPerStream;
  let draining = false;
  const http = listener(options.transport, (request, response) => {
    const problem = addressProblem(request.headers, options.origins);
    if (problem !== null) {
      response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' }).end(`${problem}\n`);
      return;
    }
    servePage(options.page, request, response);
  });
  http.headersTimeout = Math.min(beginTimeoutMs, limits.requestTimeoutMs);
  // Until it is a socket of its own.
  http.setTimeout(beginTimeoutMs);
  http.maxConnections = maxSockets + pageConnections;
  http.on('upgrade', (request, socket, head) => {
    // A peer that resets during the handshake must not end the process.
    socket.on('error', () => socket.destroy());
    const refusal =
      upgradeProblem(request, options) ??
      (draining ? { status: 503, message: 'the server is going away' } : null) ??
      (openSockets() >= maxSockets
        ? { status: 503, message: `at most ${maxSockets} sockets at a time, got one more` }
        : null);
    if (refusal !== null) {
      log.warn({ status: refusal.status, path: request.url }, `socket refused: ${refusal.message}`);
      refuse(socket, refusal);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) =>
      serve(opened, request, { ...options, guard }),
    );
  });
  const port = await listen(http, options);
  let closing: Promise<void> | null = null;
  const close = () =>
    (closing ??= new Promise<void>((resolve) => {
      draining = true;
      guard[Symbol.dispose]();
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      http.close(() => resolve());
      http.closeAllConnections();
    }));
  return {
    port,
    drain: () => (draining = true),
    renewTransport: (transport) => {
      if (http instanceof HttpsServer) http.setSecureContext(secureOptions(transport));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listener(
  transport: Transport,
  onRequest: Parameters<typeof createHttpServer>[1] & {},
): Server {
  if (transport.kind === 'insecure') {
    return createHttpServer({ connectionsCheckingInterval }, onRequest);
  }
  const demands =
    transport.clientAuthorities === null ? {} : { requestCert: true, rejectUnauthorized: true };
  return createHttpsServer(
    { connectionsCheckingInterval, ...secureOptions(transport), ...demands },
    onRequest,
  );
}

function secureOptions(transport: Transport) {
  if (transport.kind === 'insecure') return {};
  const { certificate, privateKey, clientAuthorities } = transport;
  const authorities = clientAuthorities === null ? {} : { ca: clientAuthorities };
  return { cert: certificate, key: privateKey, ...authorities };
}

function listen(http: Server, { host, port }: GatewayOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', (cause: Error) => {
      const message = `must be able to listen on ${host}:${port}, got ${cause.message}`;
      reject(new SegmentationError('usage', message, { cause }));
    });
    http.listen(port, host, () => {
      const address = http.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

type Refusal = { readonly status: number; readonly message: string };

function upgradeProblem(request: IncomingMessage, options: GatewayOptions): Refusal | null {
  const problem = addressProblem(request.headers, options.origins);
  if (problem !== null) return { status: 403, message: problem };
  if (methodOf(request) === null) {
    const known = Object.keys(gatewayMethods).join(', ');
    return { status: 404, message: `expected one of ${known}, got ${request.url}` };
  }
  return null;
}

function refuse(socket: Duplex, { status, message }: Refusal): void {
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n${message}\n`,
  );
}

function methodOf(request: IncomingMessage) {
  const path = pathOf(request);
  if (path === null || !Object.hasOwn(gatewayMethods, path)) return null;
  return { path, ...gatewayMethods[path]! };
}

/** The page shows this and asks again. */
function tellLoading(socket: WebSocket): void {
  const message = 'the model is being loaded';
  socket.on('error', () => socket.terminate());
  socket.send(
    JSON.stringify({
      type: 'status',
      code: grpcStatus.UNAVAILABLE,
      message,
      error_code: 'loading',
    }),
  );
  socket.close(1000);
}

function serve(
  socket: WebSocket,
  request: IncomingMessage,
  options: GatewayOptions & { readonly guard: MessageGuard },
): void {
  const method = methodOf(request);
  if (method === null) return socket.terminate();
  const { limits, log, guard } = options;
  const target = options.target();
  if (target === null) return tellLoading(socket);
  const call = bridgeCall(socket, {
    path: method.path,
    oneRequest: method.oneRequest,
    firstMessageMs: Math.min(beginTimeoutMs, limits.requestTimeoutMs),
    maxQueuedBytes: limits.maxQueuedResponseBytes,
    readerTimeoutMs: limits.readerTimeoutMs,
    log,
    connect: () =>
      new Client(target, credentials.createInsecure(), {
        // A connection of its own: what one socket does is accounted to it alone.
        'grpc.use_local_subchannel_pool': 1,
        'grpc.max_receive_message_length': limits.maxResponseBytes,
        'grpc.max_send_message_length': limits.maxRequestBytes,
      }),
  });
  guard.watch({
    socket,
    connection: request.socket,
    maxBytes: maxBytesOf(method.path, limits),
    onRefused: (reason) => {
      log.warn({ code: reason.code }, `socket refused: ${reason.message}`);
      call.refuse(reason);
      // What was said still leaves; a peer that goes on sending is not waited for.
      request.socket.end();
    },
  });
}
