import type { IncomingHttpHeaders } from 'node:http';

/** Who may speak to the gateway from a browser. */
export type AllowedOrigins = {
  /** Host names, without a port, under which this server is meant to be reached. */
  readonly hosts: readonly string[];
  /** Origins besides the page's own, such as `https://lab.example`. */
  readonly origins: readonly string[];
};

/** Names of this machine for itself. */
export const loopbackHosts = ['127.0.0.1', 'localhost', '::1'] as const;

/**
 * What is wrong with the address that a request was sent to or came from; null where nothing is.
 *
 * `Host` must be a name of this server: a page elsewhere whose own name is made to resolve to this
 * machine (DNS rebinding) carries its own. `Origin`, which browsers set on every WebSocket, must be
 * the page that this server serves or a listed one; programs send none and pass.
 */
export function addressProblem(
  headers: IncomingHttpHeaders,
  { hosts, origins }: AllowedOrigins,
): string | null {
  const host = hostName(headers.host);
  if (host === null || !hosts.includes(host)) {
    return `Host must be one of ${hosts.join(', ')}, got ${headers.host ?? 'none'}`;
  }
  const { origin } = headers;
  if (origin === undefined || origins.includes(origin)) return null;
  const own = origin === `http://${headers.host}` || origin === `https://${headers.host}`;
  return own ? null : `Origin must be this server's own page, got ${origin}`;
}

function hostName(header: string | undefined): string | null {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(header ?? '');
  return match === null ? null : (match[1] ?? match[2] ?? '').toLowerCase();
}
