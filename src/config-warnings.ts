import { isIP } from 'node:net';
import type { Config } from './config.ts';
import { parsePlacement } from './inference/index.ts';

/** What a server's settings leave open or ask too much of, one sentence each, for its log. */
export function configWarnings(config: Config, processors: number): string[] {
  const { listen, tls, modelThreads, trackerWorkers } = config;
  const warnings: string[] = [];
  const warn = (applies: boolean, text: string) => applies && warnings.push(text);
  const address = `${listen.host}:${listen.port}`;
  const isOpen = isAnonymous(config);
  const isPublic = !isLoopback(listen.host);
  warn(
    isPublic && isOpen,
    `MASKSTREAM_LISTEN=${address} is reached from other machines and MASKSTREAM_TOKEN is not set: whoever reaches it is served`,
  );
  warn(
    isPublic && tls === null,
    `MASKSTREAM_LISTEN=${address} is reached from other machines and MASKSTREAM_TLS_CERT is not set: ${isOpen ? 'video travels' : 'video and tokens travel'} unencrypted`,
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
  const gpuWorkers = gpuWorkersOf(config);
  warn(
    gpuWorkers > processors,
    `MASKSTREAM_PLACEMENT has ${gpuWorkers} workers on GPUs, and each keeps a processor busy while it runs; there are ${processors}`,
  );
  return warnings;
}

/** Workers that a placement puts on GPUs, those in which memory and text go along with the decoder once. */
function gpuWorkersOf({ placement }: Config): number {
  if (placement === null) return 0;
  const { encoder = [], decoder = [], refiner = [] } = parsePlacement(placement);
  return [...encoder, ...decoder, ...refiner].filter(({ provider }) => provider !== 'cpu').length;
}

/**
 * What a server that other machines reach must be told to do without, and was not; a sentence each.
 * Whoever forgets one of them would find out when it is too late.
 */
export function configRefusals(config: Config): string[] {
  const { listen, tls, allow } = config;
  if (isLoopback(listen.host)) return [];
  const address = `MASKSTREAM_LISTEN=${listen.host}:${listen.port} is reached from other machines`;
  const refusals: string[] = [];
  if (tls === null && !allow.includes('plaintext')) {
    refusals.push(
      `${address}: expected MASKSTREAM_TLS_CERT and MASKSTREAM_TLS_KEY, or --allow plaintext (a proxy has the certificate, or the network is yours), got neither`,
    );
  }
  if (isAnonymous(config) && !allow.includes('anonymous')) {
    refusals.push(
      `${address}: expected MASKSTREAM_TOKENS_FILE, MASKSTREAM_TOKEN, MASKSTREAM_JWKS_FILE or MASKSTREAM_TLS_CLIENT_CA, or --allow anonymous (whoever reaches it is served), got none`,
    );
  }
  return refusals;
}

function isAnonymous({ token, tokensFile, jwt, tls }: Config): boolean {
  return token === null && tokensFile === null && jwt === null && tls?.clientAuthorities == null;
}

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1';
}
