import { connect } from '../../clients/typescript/index.ts';
import type { SegmentationClient } from '../../clients/typescript/index.ts';
import { createService } from '../../src/cli/create-service.ts';
import type { Service } from '../../src/cli/create-service.ts';
import { createJsonLogger } from '../../src/cli/json-logger.ts';
import { readConfig } from '../../src/config.ts';
import type { ConfigOverrides } from '../../src/config.ts';

/** The service as the command line plugs it together, in this process, and a client of it. */
export type RunningService = AsyncDisposable & {
  readonly service: Service;
  readonly client: SegmentationClient;
  readonly address: string;
};

/** Starts it on a free loopback port; only what it cannot serve is logged. */
export async function startService(overrides: ConfigOverrides = {}): Promise<RunningService> {
  const config = readConfig({ MASKSTREAM_LISTEN: '127.0.0.1:0', ...overrides });
  const log = createJsonLogger('error', process.stderr);
  const service = await createService(config, { log, signal: new AbortController().signal });
  const address = `127.0.0.1:${service.port}`;
  const client = connect(address, config.token === null ? {} : { token: config.token });
  return {
    service,
    client,
    address,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await service.close();
    },
  };
}
