import type { Server as NetServer, Socket } from 'node:net';
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import { Server as TlsServer } from 'node:tls';
import type { Server } from '@grpc/grpc-js';
import type { Logger } from '../logger.ts';
import type { ServerMetrics } from '../server-metrics.ts';
import { http2Servers } from './grpc-internals.ts';
import { widenReceiveWindows } from './receive-windows.ts';

/** Bounds of a server's connections. */
export type ConnectionLimits = {
  readonly maxConnections: number;
  /** Time in which a new connection must open a call, in milliseconds. */
  readonly firstCallTimeoutMs: number;
};

/** PEM texts of a server; authorities are those whose client certificates are taken. */
export type Certificates = {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly clientAuthorities: Buffer | null;
};

/** Keeps strangers from taking all connections. */
export type ConnectionGuard = {
  /** Watches the connections of a server that listens. */
  watch(server: Server): void;
  /** Those of this process' gateway, which bounds its sockets itself, do work from the first. */
  trust(server: Server): void;
  /** New TLS connections of the server get these certificates. */
  renew(server: Server, transport: Certificates): void;
  /**
   * The peer's connection does work until this is disposed: it is not given up for another one, and from
   * now on more may be on its way here.
   */
  keep(peer: string): Disposable;
};

type Connection = {
  readonly socket: Socket;
  /** Calls that do work. */
  working: number;
  /** Null until it opens a call. */
  session: Http2Session | null;
  isWide: boolean;
};

/**
 * A connection costs a stranger nothing and the server a handle: one that opens no call in time is
 * closed, and where there are as many as there may be, a new one takes the place of the one that has
 * been quiet for longest and has no work.
 */
export function guardConnections(
  limits: ConnectionLimits,
  { log, metrics }: { readonly log: Logger; readonly metrics: ServerMetrics },
): ConnectionGuard {
  /** By peer, the one that was quiet for longest first. */
  const connections = new Map<string, Connection>();

  const touch = (peer: string, connection: Connection) => {
    connections.delete(peer);
    connections.set(peer, connection);
  };
  const accept = (socket: Socket) => {
    // The gateway of this process, which bounds its sockets itself; or gone already.
    if (socket.remoteAddress === undefined) return;
    if (connections.size >= limits.maxConnections && !giveOneUp(connections)) {
      metrics.refused('too-many-connections');
      log.warn({ connections: connections.size }, 'connection refused: all others do work');
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    const connection: Connection = { socket, working: 0, session: null, isWide: false };
    connections.set(peer, connection);
    const timer = setTimeout(() => {
      if (connection.session === null) socket.destroy();
    }, limits.firstCallTimeoutMs);
    timer.unref();
    socket.once('close', () => {
      clearTimeout(timer);
      if (connections.get(peer) === connection) connections.delete(peer);
    });
  };
  const callOpened = (session: Http2Session | undefined) => {
    if (session === undefined) return;
    const peer = peerOf(session.socket);
    const connection = connections.get(peer);
    if (connection === undefined) return;
    connection.session = session;
    touch(peer, connection);
  };

  return {
    watch: (server) => {
      for (const listener of http2Servers(server)) {
        listener.prependListener('connection', accept);
        listener.prependListener('stream', (stream: ServerHttp2Stream) =>
          callOpened(stream.session),
        );
      }
    },
    trust: (server) => {
      for (const listener of http2Servers(server)) {
        if (!isInside(listener)) continue;
        listener.prependListener('session', widenReceiveWindows);
      }
    },
    renew: (server, { certificate, privateKey, clientAuthorities }) => {
      for (const listener of http2Servers(server)) {
        if (!(listener instanceof TlsServer)) continue;
        listener.setSecureContext({
          cert: certificate,
          key: privateKey,
          ...(clientAuthorities === null ? {} : { ca: clientAuthorities }),
        });
      }
    },
    keep: (peer) => {
      const connection = connections.get(peer);
      if (connection !== undefined) {
        connection.working++;
        widen(connection);
      }
      return {
        [Symbol.dispose]: () => {
          if (connection === undefined) return;
          connection.working--;
          if (connections.get(peer) === connection) touch(peer, connection);
        },
      };
    },
  };
}

/** Once is enough: the peer is told of it each time. */
function widen(connection: Connection): void {
  if (connection.session === null || connection.isWide) return;
  connection.isWide = true;
  widenReceiveWindows(connection.session);
}

/** Closes the connection that has been quiet for longest; false where all do work. */
function giveOneUp(connections: Map<string, Connection>): boolean {
  for (const [peer, { working, socket }] of connections) {
    if (working > 0) continue;
    connections.delete(peer);
    socket.destroy();
    return true;
  }
  return false;
}

/** As grpc-js names a peer. */
function peerOf({
  remoteAddress,
  remotePort,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress}:${remotePort}`;
}

/** A socket of the file system, which only this user can open. */
function isInside(listener: NetServer): boolean {
  return typeof listener.address() === 'string';
}
