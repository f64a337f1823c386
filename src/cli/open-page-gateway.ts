import { join } from 'node:path';
import type { Config } from '../config.ts';
import { SegmentationError } from '../frame/errors.ts';
import { packageRoot } from '../package-root.ts';
import type { ServerLimits, Transport } from '../server/index.ts';
import { loopbackHosts, openGateway, readPage } from '../server/index.ts';
import type { JsonLogger } from './json-logger.ts';

/** The gateway of a service, which may be there before the server behind it. */
export type PageGateway = {
  /** Such as `http://127.0.0.1:50080`. */
  readonly address: string;
  /** From now on calls go to this gRPC address. */
  serveCalls(target: string): void;
  drain(): void;
  renewTransport(transport: Transport): void;
  close(): Promise<void>;
};

/**
 * Opens the page's port as the config asks; null where it asks for none, or where the port is taken:
 * a page that cannot be shown is no reason not to serve gRPC.
 */
export async function openPageGateway(
  config: Config,
  options: {
    readonly transport: Transport;
    readonly limits: ServerLimits;
    readonly log: JsonLogger;
  },
): Promise<PageGateway | null> {
  const { web, listen } = config;
  if (web === null) return null;
  const { transport, limits, log } = options;
  let target: string | null = null;
  try {
    const gateway = await openGateway({
      host: listen.host,
      port: web.port,
      target: () => target,
      transport,
      origins: { hosts: [...loopbackHosts, listen.host, ...web.hosts], origins: web.origins },
      limits,
      page: readPage(join(packageRoot(), 'dist/web')),
      log,
    });
    const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
    return {
      address: `${transport.kind === 'tls' ? 'https' : 'http'}://${host}:${gateway.port}`,
      serveCalls: (address) => (target = address),
      drain: () => gateway.drain(),
      renewTransport: (renewed) => gateway.renewTransport(renewed),
      close: () => gateway.close(),
    };
  } catch (reason) {
    if (!(reason instanceof SegmentationError && reason.code === 'usage')) throw reason;
    log.warn({ err: reason }, `no page: port ${web.port} cannot be listened on`);
    return null;
  }
}
