import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { configMessage } from '../../../clients/core/requests.ts';
import { createJsonLogger } from '../../../src/cli/json-logger.ts';
import { ListModelsRequest } from '../../../src/gen/maskstream/v1/model.ts';
import { SegmentVideoRequest } from '../../../src/gen/maskstream/v1/video_request.ts';
import { loopbackHosts } from '../../../src/server/gateway/allowed-origins.ts';
import { type Gateway, openGateway } from '../../../src/server/gateway/gateway.ts';
import { resolveServerLimits, type ServerLimits } from '../../../src/server/server-limits.ts';
import { callGateway, gatewaySocket } from '../../fixtures/gateway-call.ts';
import { rawWebSocket } from '../../fixtures/raw-web-socket.ts';
import { type RunningService, startService } from '../../fixtures/start-service.ts';

const mebibyte = 1024 * 1024;

const config = configMessage({ container: 'mp4', delivery: 'every-frame' });
const configBytes = SegmentVideoRequest.encode(
  SegmentVideoRequest.fromPartial({ message: { $case: 'config', value: config } }),
).finish();

let running: RunningService;
let gateway: Gateway | null = null;
let page = '';

beforeAll(async () => {
  running = await startService();
});
afterEach(async () => {
  await gateway?.close();
  gateway = null;
});
afterAll(() => running[Symbol.asyncDispose]());

/** A gateway of its own before the real server, with the limits of a test. */
async function open(limits: Partial<ServerLimits> = {}): Promise<void> {
  gateway = await openGateway({
    host: '127.0.0.1',
    port: 0,
    target: () => running.address,
    transport: { kind: 'insecure' },
    origins: { hosts: [...loopbackHosts], origins: [] },
    limits: resolveServerLimits(limits),
    page: null,
    log: createJsonLogger('error', process.stderr),
  });
  page = `http://127.0.0.1:${gateway.port}`;
}

/** Whether an honest call is served. */
async function isServed(): Promise<boolean> {
  const request = ListModelsRequest.encode({}).finish();
  const call = await callGateway(gatewaySocket(page, 'ListModels'), [request]).catch(() => null);
  return call?.status?.code === 0;
}

test('a message that drips is refused, and what it had is given up', async () => {
  await open({ requestTimeoutMs: 300, minRequestBytesPerSecond: mebibyte });
  const slow = await rawWebSocket(page, 'SegmentVideo');
  slow.frame(configBytes);
  slow.frame(Buffer.of(10), mebibyte);
  const drip = setInterval(() => slow.more(Buffer.of(0)), 10);
  const said = await slow.readAll();
  clearInterval(drip);
  expect(said).toContain('"error_code":"deadline-exceeded"');
  expect(said).toContain('message must come within 300 ms');
  expect(await isServed()).toBe(true);
});

test('a peer whose messages came whole may say nothing for longer than a message may take', async () => {
  await open({ requestTimeoutMs: 300, minRequestBytesPerSecond: mebibyte });
  const quiet = await rawWebSocket(page, 'SegmentVideo');
  quiet.frame(configBytes);
  let ended = false;
  const end = quiet.readAll().then(() => (ended = true));
  // Begins later: what ends it for its time would have ended the other one too.
  const drip = await rawWebSocket(page, 'SegmentVideo');
  drip.frame(configBytes);
  drip.frame(Buffer.of(10), mebibyte);
  expect(await drip.readAll()).toContain('message must come within 300 ms');
  expect(await isServed()).toBe(true);
  expect(ended).toBe(false);
  quiet.connection.destroy();
  await end;
});

test('a paused sender of whole messages is no drip, however many pings it sends', async () => {
  await open({ requestTimeoutMs: 300 });
  const socket = gatewaySocket(page, 'SegmentVideo');
  let closed = false;
  socket.on('close', () => (closed = true));
  await once(socket, 'open');
  // A config of nothing: the server answers that it is wrong only once it is looked at.
  socket.send(JSON.stringify({ type: 'open' }));
  const pongs: Promise<unknown>[] = [];
  for (let count = 0; count < 20; count++) {
    const pong = once(socket, 'pong');
    socket.ping(Buffer.alloc(count));
    pongs.push(pong);
    await pong;
  }
  expect(closed).toBe(false);
  const [code] = (await once(socket, 'close')) as [number];
  // Its first message never came.
  expect(code).toBe(1000);
});

test('messages that are not whole share one bound on all sockets', async () => {
  await open({ maxReceivedBytes: 4 * mebibyte });
  const first = await rawWebSocket(page, 'SegmentImage');
  first.frame(Buffer.alloc(3 * mebibyte), 16 * mebibyte);
  const second = await rawWebSocket(page, 'SegmentImage');
  second.frame(Buffer.alloc(3 * mebibyte), 16 * mebibyte);
  const refused = await Promise.race([first.readAll(), second.readAll()]);
  expect(refused).toContain('"error_code":"server-exhausted"');
  expect(refused).toContain(`at most ${4 * mebibyte} bytes`);
  expect(await isServed()).toBe(true);
  for (const { connection } of [first, second]) connection.destroy();
});

test('a method without pixels takes no large message', async () => {
  await open();
  const large = await rawWebSocket(page, 'ListModels');
  large.frame(Buffer.alloc(100_000), 200_000);
  expect(await large.readAll()).toContain('"error_code":"request-too-large"');
});

test('a message of the most that is allowed passes, in one frame or in many', async () => {
  await open({ maxRequestBytes: 2 * mebibyte });
  const socket = gatewaySocket(page, 'SegmentImage');
  await once(socket, 'open');
  const part = Buffer.alloc(1024);
  for (let sent = 1; sent < 2048; sent++) socket.send(part, { fin: false });
  const status = new Promise<string>((resolve) => {
    socket.on('message', (data: Buffer) => resolve(data.toString()));
  });
  socket.send(part, { fin: true });
  // It came whole to the server, which says what it is.
  expect(await status).toContain('"error_code":"malformed-message"');
});

test('a thousand connections that say nothing are closed, and the next one is served', async () => {
  await open({ requestTimeoutMs: 300, maxStreams: 2 });
  const port = Number(new URL(page).port);
  const idle = Array.from({ length: 1000 }, () => connect(port, '127.0.0.1'));
  const closed = idle.map((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    return once(socket, 'close');
  });
  await Promise.all(closed);
  expect(await isServed()).toBe(true);
});

describe.each(['', 'connection: upgrade\r\nupgrade: websocket\r\n'])(
  'with headers %j',
  (headers) => {
    test.each(['//', '///', 'http://', '//[', 'http://a:99999/', '*', '/%'])(
      'a request for %s is refused, and the next one is served',
      async (target) => {
        await open();
        const { hostname, port, host } = new URL(page);
        const connection = connect(Number(port), hostname);
        connection.write(`GET ${target} HTTP/1.1\r\nhost: ${host}\r\n${headers}\r\n`);
        const [answer] = (await once(connection, 'data')) as [Buffer];
        connection.destroy();
        expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 404 /);
        expect(await isServed()).toBe(true);
      },
    );
  },
);
