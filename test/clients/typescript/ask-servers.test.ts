import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connect, type SegmentationClient } from '../../../clients/typescript/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { startDoomedServers } from '../../fixtures/doomed-servers.ts';
import { freePort } from '../../../bench/support/free-port.ts';
import { echoSession, scripted, scriptedModel } from '../../fixtures/scripted-session.ts';

/** A gRPC server that ends every call with this status, and counts them. */
async function moody(trailers: Record<string, string>) {
  const server = createHttp2Server();
  let asked = 0;
  server.on('stream', (stream: ServerHttp2Stream) => {
    asked++;
    stream.on('error', () => undefined);
    const headers = { ':status': 200, 'content-type': 'application/grpc', ...trailers };
    stream.respond(headers, { endStream: true });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, asked: () => asked };
}

async function healthy(port = 0): Promise<string> {
  const server = createServer({ sessions: scripted(echoSession), models: [scriptedModel] });
  const bound = await server.start({ host: '127.0.0.1', port });
  onTestFinished(() => server.close());
  return `127.0.0.1:${bound}`;
}

function clientOf(...addresses: string[]): SegmentationClient {
  const client = connect(addresses);
  onTestFinished(() => client.close());
  return client;
}

const picture = readFileSync(new URL('../../../docs/demo.jpg', import.meta.url));

const busy = { 'grpc-status': '8', 'maskstream-error-code': 'server-exhausted' };
const fault = { 'grpc-status': '13', 'maskstream-error-code': 'internal' };
const refused = { 'grpc-status': '3', 'maskstream-error-code': 'invalid-config' };
const cutOff = { 'grpc-status': '13' };

test('another server answers where one has no room and one is not there', async () => {
  const first = await moody(busy);
  const client = clientOf(`127.0.0.1:${await freePort()}`, first.address, await healthy());
  expect(await client.listModels()).toHaveLength(1);
  expect(first.asked()).toBe(1);
});

test.each([
  [busy, 'server-exhausted', 3],
  [cutOff, 'connection-lost', 3],
  [fault, 'internal', 2],
  [refused, 'invalid-config', 1],
] as const)('%j is answered by %s after %i questions', async (trailers, code, asked) => {
  const server = await moody(trailers);
  const client = clientOf(server.address);
  await expect(client.listModels()).rejects.toMatchObject({ code });
  expect(server.asked()).toBe(asked);
});

test('the deadline is one of all attempts, and a caller who stops ends them', async () => {
  const server = await moody(busy);
  const client = clientOf(server.address);
  const hasty = client.listModels({ timeoutMs: 40 });
  await expect(hasty).rejects.toMatchObject({
    code: expect.stringMatching(/^(server-exhausted|deadline-exceeded)$/) as string,
  });
  expect(server.asked()).toBeLessThan(3);
  const stopped = client.listModels({ signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'pictures and models are asked of the next server where one ends by %s',
  async (signal) => {
    await using servers = await startDoomedServers();
    const client = clientOf(...servers.addresses);
    const [{ name } = { name: '' }] = await client.listModels();
    servers.kill(signal);
    const box = { x: 40, y: 40, width: 120, height: 90 };
    const question = { image: picture, prompts: [{ objectId: 1, box }] };
    const answers = await Promise.all([
      client.segmentImage(question, { timeoutMs: 30_000 }),
      client.segmentImage(question, { timeoutMs: 30_000 }),
    ]);
    for (const { objects } of answers) expect(objects).toMatchObject([{ objectId: 1 }]);
    const [model] = await client.listModels({ timeoutMs: 30_000 });
    expect(model?.name).toBe(name);
  },
);
