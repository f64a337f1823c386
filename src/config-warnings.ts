import { isIP } from 'node:net';
import type { Config } from './config.ts';

/** What a server's settings leave open or ask too much of, one sentence each, for its log. */
export function configWarnings(config: Config, processors: number): string[] {
  const { listen, token, tls, modelThreads, trackerWorkers } = config;
  const warnings: string[] = [];
  const warn = (applies: boolean, text: string) => applies && warnings.push(text);
  const address = `${listen.host}:${listen.port}`;
  const isOpen = token === null && tls?.clientAuthorities == null;
  const isPublic = !isLoopback(listen.host);
  warn(
    isPublic && isOpen,
    `MASKSTREAM_LISTEN=${address} is reached from other machines and MASKSTREAM_TOKEN is not set: whoever reaches it is served`,
  );
  warn(
    isPublic && tls === null,
    `MASKSTREAM_LISTEN=${address} is reached from other machines and MASKSTREAM_TLS_CERT is not set: ${token === null ? 'video travels' : 'video and token travel'} unencrypted`,
  );
  for (const [name, threads] of [
    ['MASKSTREAM_MODEL_THREADS', modelThreads],
    ['MASKSTREAM_TRACKER_WORKERS', trackerWorkers],
  ] as const) {
    warn(
      threads > 2 * processors,
      `${name}=${threads} is more than twice the ${processors} processors there are: threads will wait for each other`,
    );
  }
  return warnings;
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1';
}
