import { readFile } from 'node:fs/promises';
import { SegmentationError, usageError } from '../frame/errors.ts';
import type { ConnectOptions, SegmentationClient } from '../../clients/typescript/index.ts';
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
    placeholder: 'HOST:PORT,...',
    help: 'Server to use; of several, the others go on where one dies or goes away. Default: one inside this process, on a free loopback port.',
  },
  tls: {
    kind: 'flag',
    help: 'Reach --server over TLS, trusting Node’s authorities and those of NODE_EXTRA_CA_CERTS.',
  },
  ca: {
    kind: 'text',
    placeholder: 'FILE',
    help: 'PEM authorities to trust instead; implies --tls.',
  },
  cert: {
    kind: 'text',
    placeholder: 'FILE',
    help: 'PEM certificate for a server that asks for one, with --key; implies --tls.',
  },
  key: { kind: 'text', placeholder: 'FILE', help: 'PEM key of --cert.' },
  ...serviceOptions,
} as const satisfies Record<string, Option>;

/** A client, and the server behind it where it is ours. */
export type OpenClient = AsyncDisposable & { readonly client: SegmentationClient };

/**
 * Connects to `--server`, or starts a server in this process: the same socket and messages either
 * way. The caller disposes it.
 *
 * @param streams most calls at a time, for which a server of our own has room
 */
export async function openClient(
  args: Arguments,
  io: CommandIo,
  { streams }: { readonly streams: number } = { streams: 1 },
): Promise<OpenClient> {
  const address = args.texts.get('server');
  if (address !== undefined) {
    const client = await connectTo(address, args);
    return { client, [Symbol.asyncDispose]: async () => client.close() };
  }
  const remote = ['tls', 'ca', 'cert', 'key'].find(
    (name) => args.flags.has(name) || args.texts.has(name),
  );
  if (remote !== undefined) throw usageError(`--${remote}: expected --server as well, got none`);
  const given = readConfig(
    { MASKSTREAM_LISTEN: '127.0.0.1:0', ...serviceOverrides(args) },
    undefined,
    args.settings,
  );
  const config = {
    ...given,
    maxStreams: Math.max(given.maxStreams, streams),
    // Only this process can know the port, and it speaks without either.
    token: null,
    tokensFile: null,
    jwt: null,
    maxStreamsPerClient: null,
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

async function connectTo(address: string, args: Arguments): Promise<SegmentationClient> {
  const addresses = address.split(',');
  const wrong = addresses.find((one) => !/^(?:\[[^\]]+\]|[^:]+):\d{1,5}$/.test(one));
  if (wrong !== undefined) throw usageError(`--server: expected HOST:PORT, got "${wrong}"`);
  if (args.texts.has('threads')) {
    throw usageError('--threads: expected no --server, whose threads are its own, got both');
  }
  const { token } = readConfig({}, undefined, args.settings);
  const tls = await readTls(args);
  return connect(addresses, {
    ...(tls === undefined ? {} : { tls }),
    ...(token === null ? {} : { token }),
  });
}

/** Undefined where nothing asks for TLS. */
async function readTls(args: Arguments): Promise<ConnectOptions['tls']> {
  const { texts, flags } = args;
  if (texts.has('cert') !== texts.has('key')) {
    const [given, missing] = texts.has('cert') ? ['cert', 'key'] : ['key', 'cert'];
    throw usageError(`--${given}: expected --${missing} as well, got none`);
  }
  const [authorities, certificate, privateKey] = await Promise.all(
    ['ca', 'cert', 'key'].map((name) => readPem(name, texts.get(name))),
  );
  if (!flags.has('tls') && authorities === null && certificate === null) return undefined;
  return {
    ...(authorities ? { authorities } : {}),
    ...(certificate ? { certificate } : {}),
    ...(privateKey ? { privateKey } : {}),
  };
}

async function readPem(option: string, file: string | undefined): Promise<Buffer | null> {
  if (file === undefined) return null;
  const expected = `--${option}: expected a PEM file`;
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new SegmentationError('unreadable-file', `${expected}, cannot read ${file}`, { cause });
  }
  if (!bytes.includes('-----BEGIN ')) throw usageError(`${expected}, got ${file}, which is none`);
  return bytes;
}
