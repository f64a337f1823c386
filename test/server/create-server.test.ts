import { maskRunLengths } from '../../src/frame/delivered-mask.ts';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import {
  createServer,
  type Identify,
  identifyByTokens,
  type MaskstreamServer,
  namedToken,
  type OpenSession,
} from '../../src/server/index.ts';
import { checkHealth } from '../fixtures/health-client.ts';
import { chunkMessage, collect, configMessage, exchange, rawClient } from '../fixtures/raw-call.ts';
import {
  echoSession,
  infoEvent,
  masksEvent,
  scripted,
  scriptedModel,
  summaryEvent,
} from '../fixtures/scripted-session.ts';

type Options = Omit<Parameters<typeof createServer>[0], 'sessions' | 'models'>;

let server: MaskstreamServer;

async function start(open: OpenSession, options: Options = {}): Promise<string> {
  server = createServer({ sessions: scripted(open), models: [scriptedModel], ...options });
  return `127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`;
}

const oneToken = (token: string): Identify => identifyByTokens([namedToken('owner', token)]);

afterEach(() => server.close());

test('reflection describes the service and health, fields by the names of their files', async () => {
  const client = rawClient(Number((await start(echoSession)).split(':')[1]));
  const answers = await new Promise<Buffer>((resolve, reject) => {
    const call = client.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
    );
    const parts: Buffer[] = [];
    call.on('data', (bytes: Buffer) => parts.push(bytes));
    call.on('error', reject);
    call.on('end', () => resolve(Buffer.concat(parts)));
    // ServerReflectionRequest: list_services = 7, file_containing_symbol = 4.
    call.write(Buffer.from([0x3a, 1, 0x2a]));
    for (const name of [
      'maskstream.v1.SegmentationService',
      'maskstream.v1.StreamConfig',
      'grpc.health.v1.Health',
    ]) {
      const symbol = Buffer.from(name);
      call.write(Buffer.concat([Buffer.from([0x22, symbol.length]), symbol]));
    }
    call.end();
  });
  client.close();
  expect(answers.includes('maskstream.v1.SegmentationService')).toBe(true);
  expect(answers.includes('SegmentVideo')).toBe(true);
  expect(answers.includes('mask_encoding')).toBe(true);
  expect(answers.includes('HealthCheckRequest')).toBe(true);
  expect(answers.includes('error_response')).toBe(false);
});

/** Goes on until it is told that the server goes away, then says so and ends with its input. */
const politeSession: OpenSession = async function* (inputs, options) {
  yield infoEvent(options);
  yield masksEvent(0);
  await options.goingAway;
  const mask = masksEvent(0);
  if (mask.kind !== 'masks' || mask.result.objects[0] === undefined) return;
  yield {
    kind: 'notice',
    notice: 'going-away',
    message: 'the server is going away',
    resume: {
      objects: [
        {
          objectId: 1,
          label: 'dog',
          state: 'visible',
          mask: maskRunLengths(mask.result.objects[0].mask),
          reference: null,
        },
        { objectId: 2, label: null, state: 'lost', mask: null, reference: null },
      ],
      removedObjectIds: [7],
      searches: [],
      at: { kind: 'next' },
    },
  };
  for await (const input of inputs) void input;
  yield summaryEvent(1);
};

test('draining tells live streams, refuses new ones, and ends when they do', async () => {
  const address = await start(politeSession);
  const client = rawClient(server.port ?? 0);
  const call = client.segmentVideo();
  const ended = collect(call);
  call.write({ message: configMessage });
  await once(call, 'data');
  const drained = server.drain({ graceMs: 60_000 });
  expect(await checkHealth(address, '')).toEqual({ status: 'NOT_SERVING' });
  call.end();
  const { responses, status: end } = await ended;
  expect(end.code).toBe(status.OK);
  expect(responses.map((response) => response.$case)).toEqual([
    'info',
    'masks',
    'notice',
    'summary',
  ]);
  expect(responses[2]).toMatchObject({
    value: {
      kind: 4,
      resume: {
        objects: [
          { objectId: 1, label: 'dog', state: 2, mask: { width: 64 } },
          { objectId: 2, state: 4, mask: undefined },
        ],
        removedObjectIds: [7],
      },
    },
  });
  await drained;
  client.close();
});

test('a stream that outlives the grace period ends with UNAVAILABLE and its summary', async () => {
  await start(async function* (inputs, options) {
    yield* echoSession(inputs, options, scriptedModel);
  });
  const client = rawClient(server.port ?? 0);
  const call = client.segmentVideo();
  const ended = collect(call);
  call.write({ message: configMessage });
  call.write({ message: chunkMessage() });
  await once(call, 'data');
  const drained = server.drain({ graceMs: 50 });
  const refused = await exchange(client, [configMessage]);
  expect(refused.status).toMatchObject({ code: status.UNAVAILABLE });
  const { responses, status: end } = await ended;
  expect(end).toMatchObject({ code: status.UNAVAILABLE, details: 'the server is going away' });
  expect(responses.map((response) => response.$case)).toEqual(['info', 'masks', 'summary']);
  await drained;
  client.close();
});

test('with a token, every call but health needs it', async () => {
  const address = await start(echoSession, { identify: oneToken('open sesame') });
  const outcome = async (token?: string) => {
    using client = connect(address, token === undefined ? {} : { token });
    return await client.listModels().then(
      () => 'OK',
      (error: { status: string; code: string }) => `${error.status} ${error.code}`,
    );
  };
  expect(await outcome()).toBe('UNAUTHENTICATED unauthenticated');
  expect(await outcome('open')).toBe('UNAUTHENTICATED unauthenticated');
  expect(await outcome('open sesame')).toBe('OK');
  expect(await checkHealth(address, '')).toEqual({ status: 'SERVING' });
  const client = rawClient(server.port ?? 0);
  expect((await exchange(client, [configMessage])).status.code).toBe(status.UNAUTHENTICATED);
  const metadata = new Metadata();
  metadata.set('authorization', 'Bearer open sesame');
  const call = client.segmentVideo(metadata);
  const ended = collect(call);
  call.write({ message: configMessage });
  call.end();
  expect((await ended).status.code).toBe(status.OK);
  client.close();
});

test('the scheme may be written in any case, the token not', async () => {
  await start(echoSession, { identify: oneToken('Sesame') });
  const client = rawClient(server.port ?? 0);
  const outcome = async (authorization: string) => {
    const metadata = new Metadata();
    metadata.set('authorization', authorization);
    const call = client.segmentVideo(metadata);
    const ended = collect(call);
    call.write({ message: configMessage });
    call.end();
    return (await ended).status.code;
  };
  expect(await outcome('bearer Sesame')).toBe(status.OK);
  expect(await outcome('BEARER  Sesame')).toBe(status.OK);
  expect(await outcome('Bearer sesame')).toBe(status.UNAUTHENTICATED);
  expect(await outcome('Basic Sesame')).toBe(status.UNAUTHENTICATED);
  expect(await outcome('Sesame')).toBe(status.UNAUTHENTICATED);
  client.close();
});

test('refused calls are logged with who called what, one line a second, never with a token', async () => {
  const lines: string[] = [];
  const warn = (fields: object, message: string) =>
    void lines.push(JSON.stringify({ ...fields, message }));
  const address = await start(echoSession, {
    identify: oneToken('sesame'),
    log: { info() {}, warn, error() {} },
  });
  using client = connect(address, { token: 'guessed' });
  for (let call = 0; call < 3; call++) await client.listModels().catch(() => {});
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    message: 'call refused',
    method: '/maskstream.v1.SegmentationService/ListModels',
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
  });
  expect(lines[0]).not.toMatch(/sesame|guessed/);
});

test('TLS serves clients that trust its certificate, and no others', async () => {
  const certificate = readFileSync(new URL('../fixtures/tls/certificate.pem', import.meta.url));
  const privateKey = readFileSync(new URL('../fixtures/tls/key.pem', import.meta.url));
  const address = await start(echoSession, {
    transport: { kind: 'tls', certificate, privateKey, clientAuthorities: null },
  });
  using trusting = connect(address, { tls: { authorities: certificate } });
  expect(await trusting.listModels()).toHaveLength(1);
  using doubting = connect(address, { tls: {} });
  await expect(doubting.listModels()).rejects.toMatchObject({ status: 'UNAVAILABLE' });
});

test('mutual TLS refuses clients without a certificate', async () => {
  const certificate = readFileSync(new URL('../fixtures/tls/certificate.pem', import.meta.url));
  const privateKey = readFileSync(new URL('../fixtures/tls/key.pem', import.meta.url));
  const address = await start(echoSession, {
    transport: { kind: 'tls', certificate, privateKey, clientAuthorities: certificate },
  });
  using known = connect(address, { tls: { authorities: certificate, certificate, privateKey } });
  expect(await known.listModels()).toHaveLength(1);
  using unknown = connect(address, { tls: { authorities: certificate } });
  await expect(unknown.listModels()).rejects.toMatchObject({ status: 'UNAVAILABLE' });
});

test('an address in use is an error that says so', async () => {
  await start(echoSession);
  const second = createServer({ sessions: scripted(echoSession), models: [scriptedModel] });
  await expect(second.start({ host: '127.0.0.1', port: server.port ?? 0 })).rejects.toThrow(
    /^must be able to listen on 127\.0\.0\.1:\d+, got: address already in use$/,
  );
  await second.close();
});

test('close ends live streams at once and may be called twice', async () => {
  await start(echoSession);
  const client = rawClient(server.port ?? 0);
  const call = client.segmentVideo();
  const ended = collect(call);
  call.write({ message: configMessage });
  await once(call, 'data');
  await Promise.all([server.close(), server.close()]);
  expect((await ended).status.code).toBe(status.UNAVAILABLE);
  client.close();
});
