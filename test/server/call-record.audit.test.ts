import { Metadata } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import {
  createServer,
  identifyByTokens,
  type MaskstreamServer,
  namedToken,
} from '../../src/server/index.ts';
import { checkHealth } from '../fixtures/health-client.ts';
import { rawClient } from '../fixtures/raw-call.ts';
import { readToEnd } from '../fixtures/run-stream.ts';
import { echoSession, scripted, scriptedModel } from '../fixtures/scripted-session.ts';

type Line = { readonly message: string; readonly [field: string]: unknown };

let server: MaskstreamServer;
const lines: Line[] = [];

const token = 'a-token-that-no-line-may-hold';
const label = 'a label that no line may hold';
const pixels = 'pixels that no line may hold';

async function start(): Promise<string> {
  lines.length = 0;
  const write = (fields: object, message: string) => void lines.push({ message, ...fields });
  server = createServer({
    sessions: scripted(echoSession),
    models: [scriptedModel],
    identify: identifyByTokens([namedToken('gate', token)]),
    log: { info: write, warn: write, error: write },
  });
  return `127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`;
}

afterEach(() => server.close());

/** Asks for the list of services. */
function reflect(port: number): Promise<void> {
  const client = rawClient(port);
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
      metadata,
    );
    call.on('data', () => undefined);
    call.on('error', reject);
    call.on('end', () => {
      client.close();
      resolve();
    });
    call.write(Buffer.from([0x3a, 1, 0x2a]));
    call.end();
  });
}

test('every call has a line that says who, what, how long and how it ended, and holds no secret', async () => {
  const address = await start();
  using client = connect(address, { token });
  using stranger = connect(address, { token: 'another-token-of-nobody' });
  using stream = client.segmentVideo({ container: 'mp4', delivery: 'latest' });
  const box = { x: 1, y: 2, width: 3, height: 4 };
  const ack = stream.prompt({ objectId: 1, box, label });
  await stream.sendChunk(Buffer.from(pixels));
  stream.end();
  expect((await readToEnd(stream)).failure).toBeNull();
  await ack;
  const image = { image: Buffer.from(pixels), prompts: [{ objectId: 1, box, label }] };
  await client.segmentImage(image).catch(() => undefined);
  await client.listModels();
  await expect(stranger.listModels()).rejects.toMatchObject({ code: 'unauthenticated' });
  await reflect(Number(address.split(':')[1]));

  const ofCalls = () =>
    lines.filter(({ message }) => /^call (ended|failed|refused)$/.test(message));
  await expect.poll(() => ofCalls().length).toBe(5);
  const [video, picture, models, refused, reflection] = ofCalls();
  const who = { peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/), principal: 'gate' };
  const took = { durationMs: expect.any(Number) };
  expect(video).toMatchObject({ ...who, ...took, kind: 'video', code: 'ok' });
  expect(picture).toMatchObject({ ...who, ...took, kind: 'image', code: expect.any(String) });
  expect(models).toMatchObject({ ...who, ...took, kind: 'models', code: 'ok' });
  expect(refused).toMatchObject({ method: expect.stringContaining('ListModels') });
  expect(reflection).toMatchObject({ ...who, ...took, kind: 'other', code: 'ok' });

  const everything = JSON.stringify(lines);
  for (const secret of [token, 'another-token-of-nobody', label, pixels]) {
    expect(everything).not.toContain(secret);
  }
});

test('health checks, which come every second, have none', async () => {
  const address = await start();
  expect(await checkHealth(address, '')).toMatchObject({ status: 'SERVING' });
  expect(lines.filter(({ message }) => message.startsWith('call'))).toEqual([]);
});
