import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Bounds of the connections of a small HTTP port. */
export type ConnectionBounds = {
  /** At a time; a new one takes the place of the one that asked longest ago. */
  readonly maxConnections: number;
  /** Time in which headers must be complete, and in which an answer must be read on. */
  readonly quietMs: number;
};

/**
 * Keeps strangers from taking a port from those it is for: connections that say nothing or do not read
 * are closed in time, and a new one always finds a place.
 *
 * @returns whether a request is to be answered: one that comes before the answer to the last one has
 *   left, which no scraper and no probe sends, ends its connection; hundreds of them fit into one read
 */
export function tendConnections(
  http: Server,
  { maxConnections, quietMs }: ConnectionBounds,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  /** The one that asked longest ago first; whether an answer is on its way. */
  const connections = new Map<Socket, boolean>();
  http.headersTimeout = quietMs;
  http.setTimeout(quietMs);
  http.on('connection', (socket: Socket) => {
    const [longest] = connections.keys();
    if (connections.size >= maxConnections && longest !== undefined) {
      connections.delete(longest);
      longest.destroy();
    }
    connections.set(socket, false);
    socket.once('close', () => connections.delete(socket));
  });
  return ({ socket }, response) => {
    const isAnswering = connections.get(socket) ?? true;
    connections.delete(socket);
    if (isAnswering) {
      socket.destroy();
      return false;
    }
    connections.set(socket, true);
    response.once('close', () => {
      if (connections.has(socket)) connections.set(socket, false);
    });
    return true;
  };
}
