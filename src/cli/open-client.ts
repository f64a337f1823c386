import { usageError } from '../frame/errors.ts';
import type { SegmentationClient } from '../../clients/typescript/index.ts';
import { connect } from '../../clients/typescript/index.ts';
import { readConfig } from '../config.ts';
import type { Arguments, CommandIo, Option } from './command.ts';
import { createService } from './create-service.ts';
import { createJsonLogger } from './json-logger.ts';
import { serviceOptions, serviceOverrides } from './serve.ts';

/** Options of commands that work with a server of their own or with another one. */
export const clientOptions = {
  server: {
    kind: 'text',
    placeholder: 'HOST:PORT',
    help: 'Server to use. Default: one inside this process, on a free loopback port.',
  },
  tls: { kind: 'flag', help: 'Reach --server over TLS, trusting the system’s authorities.' },
  ...serviceOptions,
} as const satisfies Record<string, Option>;

/** A client, and the server behind it where it is ours. */
export type OpenClient = AsyncDisposable & { readonly client: SegmentationClient };

/**
 * Connects to `--server`, or starts a server in this process: the same socket and messages either
 * way. The caller disposes it.
 */
export async function openClient(args: Arguments, io: CommandIo): Promise<OpenClient> {
  const address = args.texts.get('server');
  if (address !== undefined) {
    if (!/^(?:\[[^\]]+\]|[^:]+):\d{1,5}$/.test(address)) {
      throw usageError(`--server: expected HOST:PORT, got "${address}"`);
    }
    if (args.texts.has('threads')) {
      throw usageError('--threads: expected no --server, whose threads are its own, got both');
    }
    const { token } = readConfig();
    const client = connect(address, {
      ...(args.flags.has('tls') ? { tls: {} } : {}),
      ...(token === null ? {} : { token }),
    });
    return { client, [Symbol.asyncDispose]: async () => client.close() };
  }
  const config = {
    ...readConfig({ MASKSTREAM_LISTEN: '127.0.0.1:0', ...serviceOverrides(args) }),
    // Only this process can know the port, and it speaks without either.
    token: null,
    tls: null,
    web: null,
  };
  // The command reports its own failures; the server's lines would repeat them.
  const log = createJsonLogger('error', io.stderr);
  const service = await createService(config, { log, signal: io.signal });
  const client = connect(`127.0.0.1:${service.port}`);
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await service.close();
    },
  };
}
