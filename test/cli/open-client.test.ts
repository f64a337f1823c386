import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createServer, type MaskstreamServer } from '../../src/server/index.ts';
import { captureCli } from '../fixtures/capture-cli.ts';
import { echoSession, scripted, scriptedModel } from '../fixtures/scripted-session.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ca = join(root, 'test/fixtures/tls/certificate.pem');
const key = join(root, 'test/fixtures/tls/key.pem');
const picture = join(root, 'docs/demo.jpg');

let folder = '';
let server: MaskstreamServer;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-client-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function startTls(clientAuthorities: Buffer | null): Promise<string> {
  const [certificate, privateKey] = [readFileSync(ca), readFileSync(key)];
  server = createServer({
    sessions: scripted(echoSession),
    models: [scriptedModel],
    transport: { kind: 'tls', certificate, privateKey, clientAuthorities },
  });
  // By name: Node warns of TLS to a bare address.
  return `localhost:${await server.start({ host: '127.0.0.1', port: 0 })}`;
}

const segment = (address: string) => [
  'segment',
  picture,
  '--box=1,1,9,9',
  `--server=${address}`,
  `--out=${folder}/out`,
];

describe('a server with TLS', () => {
  afterEach(() => server.close());

  test('is reached by --ca, and not by the system’s authorities', async () => {
    const address = await startTls(null);
    expect(await captureCli([...segment(address), '--ca', ca])).toMatchObject({ code: 0 });
    const { code, stderr } = await captureCli([...segment(address), '--tls']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/the call ended with UNAVAILABLE unreachable/);
  });

  test('is reached with NODE_EXTRA_CA_CERTS', async () => {
    const address = await startTls(null);
    const words = [join(root, 'bin/maskstream'), ...segment(address), '--tls'];
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: ca, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: key };
    const child = spawn(process.execPath, words, { env });
    expect(await text(child.stderr)).toBe('');
    expect(child.exitCode ?? 0).toBe(0);
  });

  test('that asks for a certificate gets --cert and --key', async () => {
    const address = await startTls(readFileSync(ca));
    const words = [...segment(address), '--ca', ca];
    expect((await captureCli(words)).code).toBe(1);
    expect(await captureCli([...words, '--cert', ca, '--key', key])).toMatchObject({ code: 0 });
  });
});

test.each([
  [['--cert', ca], '--cert: expected --key as well, got none'],
  [['--key', key], '--key: expected --cert as well, got none'],
  [['--ca', picture], `--ca: expected a PEM file, got ${picture}, which is none`],
])('%j is a usage error', async (words, message) => {
  const { code, stderr } = await captureCli([...segment('127.0.0.1:1'), ...words]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('TLS without a server to reach is a usage error', async () => {
  const file = join(folder, 'a.pem');
  writeFileSync(file, '');
  const words = ['segment', picture, '--box=1,1,9,9', `--out=${folder}/out`];
  const { code, stderr } = await captureCli([...words, '--ca', file]);
  expect(code).toBe(2);
  expect(stderr).toContain('--ca: expected --server as well, got none');
});
