import { connect as connectTls } from 'node:tls';
import { generateKeyPairSync } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { connect } from '../../../clients/typescript/index.ts';
import {
  createServer,
  identifyByTokens,
  type MaskstreamServer,
  namedToken,
} from '../../../src/server/index.ts';
import { readToEnd } from '../../fixtures/run-stream.ts';
import { echoSession, scripted, scriptedModel } from '../../fixtures/scripted-session.ts';

type Options = Omit<Parameters<typeof createServer>[0], 'sessions' | 'models'>;

const folder = mkdtempSync(join(tmpdir(), 'maskstream-certificates-'));
afterAll(() => rmSync(folder, { recursive: true }));

let server: MaskstreamServer;
const principals: unknown[] = [];

async function start(options: Options): Promise<string> {
  principals.length = 0;
  const info = (fields: object, message: string) => {
    if (message === 'call ended') principals.push((fields as { principal: string }).principal);
  };
  const log = { info, warn() {}, error() {} };
  server = createServer({
    sessions: scripted(echoSession),
    models: [scriptedModel],
    log,
    ...options,
  });
  return `127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`;
}

afterEach(() => server.close());

const config = { container: 'mp4', delivery: 'every-frame' } as const;

const identify = identifyByTokens([
  namedToken('gate-3', 'token of gate three', { maxStreams: 1 }),
  namedToken('lab', 'token of the lab'),
]);

test('the line of every call says who called', async () => {
  const address = await start({ identify });
  using gate = connect(address, { token: 'token of gate three' });
  using lab = connect(address, { token: 'token of the lab' });
  await gate.listModels();
  const stream = lab.segmentVideo(config);
  stream.end();
  await readToEnd(stream);
  await expect.poll(() => principals).toEqual(['gate-3', 'lab']);
});

test('a name has no more places than its token says, and others have theirs', async () => {
  const address = await start({ identify });
  using gate = connect(address, { token: 'token of gate three' });
  using lab = connect(address, { token: 'token of the lab' });
  const first = gate.segmentVideo(config);
  await expect.poll(() => server.activeStreams).toBe(1);
  expect((await readToEnd(gate.segmentVideo(config))).failure).toMatchObject({
    code: 'too-many-streams',
    message: 'at most 1 streams at a time for gate-3, got one more',
  });
  const others = [lab.segmentVideo(config), lab.segmentVideo(config)];
  await expect.poll(() => server.activeStreams).toBe(3);
  for (const stream of [first, ...others]) {
    stream.end();
    expect((await readToEnd(stream)).failure).toBeNull();
  }
});

test('what the server gives each name holds where a token says nothing else', async () => {
  const address = await start({ identify, limits: { maxStreamsPerClient: 2 } });
  using lab = connect(address, { token: 'token of the lab' });
  const streams = [lab.segmentVideo(config), lab.segmentVideo(config)];
  await expect.poll(() => server.activeStreams).toBe(2);
  expect((await readToEnd(lab.segmentVideo(config))).failure).toMatchObject({
    message: 'at most 2 streams at a time for lab, got one more',
  });
  for (const stream of streams) {
    stream.end();
    await readToEnd(stream);
  }
});

test('whoever cannot say who calls lets nobody in', async () => {
  const address = await start({ identify: () => Promise.reject(new Error('the keys are gone')) });
  using client = connect(address, { token: 'token of the lab' });
  await expect(client.listModels()).rejects.toMatchObject({ code: 'unauthenticated' });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('SKIPPED: there is no openssl to make certificates with');

/** A certificate for loopback, signed by itself; made here because one alone cannot be renewed. */
function selfSigned(name: string): { certificate: Buffer; privateKey: Buffer } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const keyFile = join(folder, `${name}.key`);
  writeFileSync(keyFile, key);
  const args = ['req', '-x509', '-new', '-key', keyFile, '-days', '1', '-subj', `/CN=${name}`];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const file = join(folder, `${name}.pem`);
  execFileSync('openssl', [...args, ...names, '-out', file], { stdio: 'pipe' });
  return { certificate: readFileSync(file), privateKey: Buffer.from(key) };
}

/** The name in the certificate that a server shows now. */
function shownBy(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const port = Number(address.split(':')[1]);
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] };
    const socket = connectTls(options, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test.skipIf(!hasOpenssl)(
  'new connections see a renewed certificate, streams on old ones go on',
  async () => {
    const [first, second] = [selfSigned('first'), selfSigned('second')];
    const address = await start({ transport: { kind: 'tls', ...first, clientAuthorities: null } });
    using old = connect(address, { tls: { authorities: first.certificate } });
    const stream = old.segmentVideo(config);
    await expect.poll(() => server.activeStreams).toBe(1);
    expect(await shownBy(address)).toBe('first');
    server.renewTransport({ kind: 'tls', ...second, clientAuthorities: null });
    expect(await shownBy(address)).toBe('second');
    await stream.sendChunk(new Uint8Array(4));
    stream.end();
    expect((await readToEnd(stream)).summary).toMatchObject({ framesOut: 1 });
  },
);

test.skipIf(!hasOpenssl)(
  'where a client certificate is asked for and no token, its name is who calls',
  async () => {
    const own = selfSigned('own');
    const camera = selfSigned('camera-7');
    const clientAuthorities = camera.certificate;
    const address = await start({ transport: { kind: 'tls', ...own, clientAuthorities } });
    const { certificate, privateKey } = camera;
    using client = connect(address, {
      tls: { authorities: own.certificate, certificate, privateKey },
    });
    await client.listModels();
    expect(principals).toEqual(['camera-7']);
  },
);
