import type { Config } from '../config.ts';
import type { Identify, Transport } from '../server/index.ts';
import type { JsonLogger } from './json-logger.ts';
import { readIdentity } from './read-identity.ts';
import { readTransport } from './read-transport.ts';
import { watchFiles } from './watch-files.ts';

/** Certificates and tokens of a server that runs. */
export type Secrets = Disposable & {
  readonly transport: Transport;
  /** Asks the newest tokens and keys; null: nobody is asked for anything. */
  readonly identify: Identify | null;
  /** Calls `listener` with certificates that were renewed. */
  onTransport(listener: (transport: Transport) => void): void;
};

/**
 * Reads certificates, tokens and keys, and again when their files change or SIGHUP comes. What cannot
 * be read then is logged, and what was known before stays in use. Throws as {@link readTransport} and
 * {@link readIdentity} at first.
 */
export async function openSecrets(
  config: Config,
  { log, intervalMs }: { readonly log: JsonLogger; readonly intervalMs?: number },
): Promise<Secrets> {
  const transport = await readTransport(config.tls);
  let identify = await readIdentity(config);
  const listeners: ((transport: Transport) => void)[] = [];
  const renew = async (): Promise<void> => {
    try {
      const renewed = await readTransport(config.tls);
      identify = await readIdentity(config);
      for (const listener of listeners) listener(renewed);
      log.info({}, 'certificates and tokens renewed');
    } catch (reason) {
      log.error({ err: reason }, 'certificates and tokens cannot be renewed: the old ones stay');
    }
  };
  const files = secretFiles(config);
  const watch = files.length === 0 ? null : watchFiles(files, () => void renew(), intervalMs);
  const onHangUp = (): void => void renew();
  process.on('SIGHUP', onHangUp);
  return {
    transport,
    identify: identify === null ? null : (credentials) => identify?.(credentials) ?? null,
    onTransport: (listener) => void listeners.push(listener),
    [Symbol.dispose]: () => {
      watch?.[Symbol.dispose]();
      process.off('SIGHUP', onHangUp);
    },
  };
}

function secretFiles({ tls, tokensFile, jwt }: Config): string[] {
  const files = [tls?.certificate, tls?.key, tls?.clientAuthorities, tokensFile, jwt?.keysFile];
  return files.filter((file) => typeof file === 'string');
}
