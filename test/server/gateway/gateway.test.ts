import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configMessage, promptMessage } from '../../../clients/core/requests.ts';
import { ListModelsRequest, ListModelsResponse } from '../../../src/gen/maskstream/v1/model.ts';
import { SegmentVideoRequest, VideoChunk } from '../../../src/gen/maskstream/v1/video_request.ts';
import {
  type FrameMasks,
  SegmentVideoResponse,
} from '../../../src/gen/maskstream/v1/video_response.ts';
import { callGateway, gatewaySocket } from '../../fixtures/gateway-call.ts';
import { filmScene, type SceneClip } from '../../fixtures/scene-clip.ts';
import { type RunningService, startService } from '../../fixtures/start-service.ts';

const listModels = ListModelsRequest.encode({}).finish();
const end = JSON.stringify({ type: 'end' });
let folder = '';
let clip: SceneClip;
let running: RunningService;
let page = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-gateway-'));
  clip = await filmScene(join(folder, 'made'), 8);
  running = await startService({ MASKSTREAM_WEB_PORT: '0', MASKSTREAM_MAX_STREAMS: '4' });
  page = running.service.pageAddress ?? '';
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function encode(message: SegmentVideoRequest['message']): Uint8Array {
  return SegmentVideoRequest.encode(SegmentVideoRequest.fromPartial({ message })).finish();
}

/** The whole clip with a box around the first object, as messages of the wire. */
function requests(): (Uint8Array | string)[] {
  const { box } = clip.truths[0]!.get(1)!;
  const video = readFileSync(clip.file);
  return [
    encode({
      $case: 'config',
      value: configMessage({ container: 'mp4', delivery: 'every-frame' }),
    }),
    encode({
      $case: 'prompt',
      value: promptMessage(1, { objectId: 1, box: box!, at: { frameIndex: 0 } }),
    }),
    encode({ $case: 'chunk', value: VideoChunk.fromPartial({ data: video }) }),
    end,
  ];
}

function strip(masks: readonly FrameMasks[]) {
  return masks.map(({ frameIndex, objects }) => ({ frameIndex, objects }));
}

function openMessage(token: string): string {
  return JSON.stringify({ type: 'open', token });
}

function masksOf(messages: readonly Buffer[]): FrameMasks[] {
  return messages
    .map((bytes) => SegmentVideoResponse.decode(bytes).message)
    .flatMap((message) => (message?.$case === 'masks' ? [message.value] : []));
}

/** Status line, headers and text of a plain request. */
async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const { port } = new URL(page);
  const sent = request({ host: '127.0.0.1', port, path, method, headers });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += String(part);
  return { status: response.statusCode, headers: response.headers, text };
}

describe('the page', () => {
  test('is served with everything that it loads, and may load nothing else', async () => {
    const { status, headers, text } = await get('/');
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toMatch(/^default-src 'self';/);
    const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name ?? '');
    expect(files).toContain('main.js');
    for (const name of files) expect((await get(`/${name}`)).status).toBe(200);
  });

  test('comes packed where the browser takes that', async () => {
    const plain = await get('/main.js');
    const { headers } = await get('/main.js', { 'accept-encoding': 'gzip' });
    expect(headers['content-encoding']).toBe('gzip');
    expect(Number(headers['content-length'])).toBeLessThan(plain.text.length / 2);
  });

  test('has no other files, and takes nothing', async () => {
    expect((await get('/../package.json')).status).toBe(404);
    expect((await get('/', {}, 'POST')).status).toBe(405);
  });

  test('is not shown to a name that is not this server’s', async () => {
    const { status, text } = await get('/', { host: 'rebound.example:50080' });
    expect(status).toBe(403);
    expect(text).toContain('got rebound.example:50080');
  });
});

describe('a call over a WebSocket', () => {
  test('answers as the gRPC port does', async () => {
    const { messages, status } = await callGateway(gatewaySocket(page, 'ListModels'), [listModels]);
    expect(status).toEqual({ type: 'status', code: 0, message: 'OK' });
    const { models } = ListModelsResponse.decode(messages[0]!);
    expect(models).toEqual(await running.client.listModels());
  });

  test('carries a whole video, whose masks are those of the gRPC port', async () => {
    const { messages, status } = await callGateway(gatewaySocket(page, 'SegmentVideo'), requests());
    expect(status?.code).toBe(0);
    const stream = running.client.segmentVideo({ container: 'mp4', delivery: 'every-frame' });
    const box = clip.truths[0]!.get(1)!.box!;
    const prompted = stream.prompt({ objectId: 1, box, at: { frameIndex: 0 } });
    const sent = stream.sendChunk(readFileSync(clip.file)).then(() => stream.end());
    const expected: FrameMasks[] = [];
    for await (const result of stream) if (result.kind === 'masks') expected.push(result.masks);
    await Promise.all([prompted, sent]);
    expect(strip(masksOf(messages))).toEqual(strip(expected));
    expect(expected).toHaveLength(8);
  });

  test.each([
    ['another page', 'SegmentVideo', { origin: 'https://evil.example' }, 403],
    ['a rebound name', 'SegmentVideo', { host: 'rebound.example' }, 403],
    ['a method that is not there', 'Reflect', {}, 404],
  ])('from %s is refused', async (_from, method, headers, status) => {
    await expect(callGateway(gatewaySocket(page, method, headers), [])).rejects.toThrow(
      `Unexpected server response: ${status}`,
    );
  });

  test.each([
    ['text for a message', ['hello'], /^a text message must be/],
    [
      'a second open',
      [JSON.stringify({ type: 'open' }), JSON.stringify({ type: 'open' })],
      /^open must be the first/,
    ],
    ['a control message of another type', [JSON.stringify({ type: 'start' })], /got another type/],
    ['a message after the end', [end, listModels], /^expected nothing after end/],
  ])('with %s ends INVALID_ARGUMENT', async (_what, messages, message) => {
    const { status } = await callGateway(gatewaySocket(page, 'SegmentVideo'), messages);
    expect(status?.message).toMatch(message);
    expect(status?.code).toBe(3);
    expect(status?.error_code).toBe('malformed-message');
  });

  test('with bytes that are no message gets the server’s own status and code', async () => {
    const { status } = await callGateway(gatewaySocket(page, 'SegmentVideo'), [
      Uint8Array.of(255, 255),
    ]);
    expect(status?.code).toBe(3);
    expect(status?.error_code).toBe('malformed-message');
  });

  test('with a message over the limit is cut off, and the next one is served', async () => {
    const socket = gatewaySocket(page, 'SegmentImage');
    const { closeCode } = await callGateway(socket, [new Uint8Array(33 * 1024 * 1024)]);
    expect(closeCode).not.toBe(1000);
    const { status } = await callGateway(gatewaySocket(page, 'ListModels'), [listModels]);
    expect(status?.code).toBe(0);
  });

  test('that is hung up gives its place back', async () => {
    const socket = gatewaySocket(page, 'SegmentVideo');
    await once(socket, 'open');
    for (const message of requests().slice(0, 2)) socket.send(message);
    await expect.poll(() => running.service.activeStreams()).toBe(1);
    socket.terminate();
    await expect.poll(() => running.service.activeStreams(), { timeout: 10_000 }).toBe(0);
  });

  test('finds no place where idle sockets have them all, and one again when they are gone', async () => {
    const idle = Array.from({ length: 16 }, () => gatewaySocket(page, 'SegmentVideo'));
    await Promise.all(idle.map((socket) => once(socket, 'open')));
    const more = callGateway(gatewaySocket(page, 'ListModels'), [listModels]);
    await expect(more).rejects.toThrow('Unexpected server response: 503');
    // gRPC is another door: it goes on.
    expect(await running.client.listModels()).toHaveLength(1);
    for (const socket of idle) socket.terminate();
    await Promise.all(idle.map((socket) => once(socket, 'close')));
    await expect
      .poll(async () => {
        const call = callGateway(gatewaySocket(page, 'ListModels'), [listModels]);
        return (await call.catch(() => null))?.status?.code;
      })
      .toBe(0);
  });
});

describe('a server with a token', () => {
  test('asks for it in the first message', async () => {
    await using guarded = await startService({
      MASKSTREAM_WEB_PORT: '0',
      MASKSTREAM_TOKEN: 'secret',
    });
    const address = guarded.service.pageAddress ?? '';
    const call = (...messages: (Uint8Array | string)[]) =>
      callGateway(gatewaySocket(address, 'ListModels'), messages);
    expect((await call(listModels)).status).toMatchObject({
      code: 16,
      error_code: 'unauthenticated',
    });
    expect((await call(openMessage('guess'), listModels)).status?.code).toBe(16);
    expect((await call(openMessage('secret'), listModels)).status?.code).toBe(0);
  });
});

test('a page’s port that is taken does not keep the server from serving gRPC', async () => {
  const taken = createHttpServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await using other = await startService({ MASKSTREAM_WEB_PORT: String(port) });
  expect(other.service.pageAddress).toBeNull();
  expect(await other.client.listModels()).toHaveLength(1);
  taken.close();
});
