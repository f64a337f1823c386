import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import {
  createServer,
  identifyByTokens,
  type MaskstreamServer,
  namedToken,
  type ServerLimits,
} from '../../src/server/index.ts';
import { checkHealth } from '../fixtures/health-client.ts';
import { rawClient } from '../fixtures/raw-call.ts';
import { readToEnd } from '../fixtures/run-stream.ts';
import { echoSession, scripted, scriptedModel } from '../fixtures/scripted-session.ts';

type Line = { readonly message: string; readonly [field: string]: unknown };

let server: MaskstreamServer;
const lines: Line[] = [];

const token = 'a-token-that-no-line-may-hold';
const reflectionPath = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const label = 'a label that no line may hold';
const pixels = 'pixels that no line may hold';

async function start(limits: Partial<ServerLimits> = {}): Promise<string> {
  lines.length = 0;
  const write = (fields: object, message: string) => void lines.push({ message, ...fields });
  server = createServer({
    sessions: scripted(echoSession),
    models: [scriptedModel],
    limits,
    identify: identifyByTokens([namedToken('gate', token)]),
    log: { info: write, warn: write, error: write },
  });
  return `127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`;
}

afterEach(() => server.close());

/** Asks for the list of services. */
const askForServices = Buffer.from([0x3a, 1, 0x2a]);

const same = (bytes: Buffer) => bytes;

/** Sends these messages, and resolves with how the call ended. */
function callRaw(address: string, path: string, messages: readonly Buffer[]) {
  const client = rawClient(Number(address.split(':')[1]));
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return new Promise<StatusObject>((resolve) => {
    const call = client.makeBidiStreamRequest(path, same, same, metadata);
    call.on('data', () => undefined);
    call.on('error', () => undefined);
    call.on('status', (end: StatusObject) => {
      client.close();
      resolve(end);
    });
    for (const message of messages) call.write(message);
    call.end();
  });
}

const ofCalls = () => lines.filter(({ message }) => /^call (ended|failed|refused)$/.test(message));

/** The lines that end calls, when so many are there. */
async function endings(count: number): Promise<Line[]> {
  await expect.poll(() => ofCalls().length).toBe(count);
  return ofCalls();
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
  expect((await callRaw(address, reflectionPath, [askForServices])).code).toBe(0);

  const [video, picture, models, refused, reflection] = await endings(5);
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

// config { container: 4, delivery: 1 }; chunk { data: "a" }
const config = Buffer.from([0x0a, 4, 0x08, 4, 0x18, 1]);
const chunk = Buffer.from([0x12, 3, 0x0a, 1, 0x61]);

test.each([
  [
    'a stream',
    '/maskstream.v1.SegmentationService/SegmentVideo',
    [config, chunk],
    { kind: 'video', framesOut: 1, reason: expect.stringContaining('at most 1000 bytes') },
  ],
  ['reflection', reflectionPath, [askForServices], { kind: 'other' }],
])(
  '%s that ends with a message that is too large has a line that says so',
  async (_what, path, before, line) => {
    const address = await start({ maxRequestBytes: 1000 });
    const { code } = await callRaw(address, path, [...before, Buffer.alloc(5000)]);
    expect(code).toBe(8);
    const [end] = await endings(1);
    expect(end).toMatchObject({ message: 'call ended', code: 'request-too-large', ...line });
  },
);

test('health checks, which come every second, have none', async () => {
  const address = await start();
  expect(await checkHealth(address, '')).toMatchObject({ status: 'SERVING' });
  expect(lines.filter(({ message }) => message.startsWith('call'))).toEqual([]);
});
