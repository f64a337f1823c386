import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { connect as connectClient } from '../../../clients/typescript/index.ts';
import { createServer, type MaskstreamServer } from '../../../src/server/index.ts';
import type { ServerLimits } from '../../../src/server/index.ts';
import { echoSession, scripted, scriptedModel } from '../../fixtures/scripted-session.ts';

let server: MaskstreamServer | null = null;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close();
});

async function start(limits: Partial<ServerLimits>): Promise<number> {
  server = createServer({ sessions: scripted(echoSession), models: [scriptedModel], limits });
  return await server.start({ host: '127.0.0.1', port: 0 });
}

async function idle(port: number): Promise<{ readonly closed: Promise<unknown> }> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {}).resume();
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  return { closed };
}

test('a connection that opens no call is closed in time', async () => {
  const port = await start({ requestTimeoutMs: 50 });
  const { closed } = await idle(port);
  expect(await closed).toEqual([expect.any(Boolean)]);
});

const read = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));

test('a TLS connection that never shakes hands is closed in time', async () => {
  server = createServer({
    sessions: scripted(echoSession),
    models: [scriptedModel],
    limits: { requestTimeoutMs: 50 },
    transport: {
      kind: 'tls',
      certificate: read('certificate.pem'),
      privateKey: read('key.pem'),
      clientAuthorities: null,
    },
  });
  const { closed } = await idle(await server.start({ host: '127.0.0.1', port: 0 }));
  expect(await closed).toEqual([expect.any(Boolean)]);
});

test('idle connections give way to new ones, those with a stream do not', async () => {
  const port = await start({ maxConnections: 4 });
  using client = connectClient(`127.0.0.1:${port}`);
  using stream = client.segmentVideo({ container: 'mp4', delivery: 'every-frame' });
  await stream[Symbol.asyncIterator]().next(); // StreamInfo: the stream has its place
  const first = await idle(port);
  for (let others = 0; others < 20; others++) await idle(port);
  await first.closed;
  using another = connectClient(`127.0.0.1:${port}`);
  expect(await another.listModels()).toHaveLength(1);
  await stream.sendChunk(new Uint8Array(4));
  stream.end();
  expect((await stream.summary).framesOut).toBe(1);
});
