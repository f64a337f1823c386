import { once } from 'node:events';
import { constants, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect, PromptKind, type SegmentationClient } from '../../../clients/typescript/index.ts';
import { createServer, type MaskstreamServer } from '../../../src/server/index.ts';
import { echoSession, scripted, scriptedModel } from '../../fixtures/scripted-session.ts';

let server: MaskstreamServer;
let client: SegmentationClient;

beforeEach(async () => {
  server = createServer({ sessions: scripted(echoSession), models: [scriptedModel] });
  client = connect(`127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`);
});

afterEach(async () => {
  client.close();
  await server.close();
});

test('listModels describes the models', async () => {
  const [model] = await client.listModels();
  expect(model).toMatchObject({ name: 'scripted', provider: 'cpu', licence: 'Apache-2.0' });
  expect(model?.promptKinds).toEqual([
    PromptKind.PROMPT_KIND_POINTS,
    PromptKind.PROMPT_KIND_BOX,
    PromptKind.PROMPT_KIND_MASK,
  ]);
  expect(model?.selfTest?.iou).toBeCloseTo(0.97, 3);
});

test('segmentImage answers with the objects of the picture', async () => {
  const answer = await client.segmentImage({
    image: new Uint8Array([1]),
    prompts: [{ objectId: 1, points: [{ x: 3, y: 3 }] }],
  });
  expect(answer).toMatchObject({ width: 64, height: 48, model: 'scripted' });
  expect(answer.objects[0]).toMatchObject({ objectId: 1, label: 'dog', area: 64 });
});

test('segmentImage without prompts is INVALID_ARGUMENT', async () => {
  const answer = client.segmentImage({ image: new Uint8Array([1]), prompts: [] });
  await expect(answer).rejects.toMatchObject({
    status: 'INVALID_ARGUMENT',
    code: 'invalid-prompt',
  });
});

describe('a call that no maskstream server ended', () => {
  const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

  test.each([
    [
      'is lost where something between resets it',
      (stream: ServerHttp2Stream) => stream.close(NGHTTP2_INTERNAL_ERROR),
      { status: 'INTERNAL', code: 'connection-lost' },
    ],
    [
      'is lost where something between cancels it, though nobody here did',
      (stream: ServerHttp2Stream) => stream.close(NGHTTP2_CANCEL),
      { status: 'CANCELLED', code: 'connection-lost' },
    ],
    [
      'is lost where the connection breaks',
      (stream: ServerHttp2Stream) => stream.session?.destroy(),
      { code: expect.stringMatching(/^(connection-lost|unreachable)$/) as string },
    ],
    [
      'could not reach the server where it is refused',
      (stream: ServerHttp2Stream) => stream.close(NGHTTP2_REFUSED_STREAM),
      { status: 'UNAVAILABLE', code: 'unreachable' },
    ],
    [
      'was answered by something else',
      (stream: ServerHttp2Stream) => stream.respond({ ':status': 401 }, { endStream: true }),
      { status: 'UNAUTHENTICATED', code: 'not-maskstream' },
    ],
  ])('%s', async (_name, end, expected) => {
    const between = createHttp2Server();
    between.on('stream', (stream) => {
      stream.on('error', () => {});
      end(stream);
    });
    await once(between.listen(0, '127.0.0.1'), 'listening');
    const { port } = between.address() as AddressInfo;
    using proxied = connect(`127.0.0.1:${port}`);
    await expect(proxied.listModels({ timeoutMs: 10_000 })).rejects.toMatchObject(expected);
    between.close();
  });
});

describe('a server that is not there yet', () => {
  test('is waited for, by calls and by ready', async () => {
    const { port } = server;
    await server.close();
    using patient = connect(`127.0.0.1:${port}`, { waitForReady: true });
    using hasty = connect(`127.0.0.1:${port}`);
    await expect(hasty.listModels()).rejects.toMatchObject({ code: 'unreachable' });
    const models = patient.listModels({ timeoutMs: 30_000 });
    const ready = hasty.ready({ timeoutMs: 30_000 });
    server = createServer({ sessions: scripted(echoSession), models: [scriptedModel] });
    await server.start({ host: '127.0.0.1', port: port ?? 0 });
    expect(await models).toHaveLength(1);
    await ready;
    expect(await hasty.listModels()).toHaveLength(1);
  });

  test('is waited for no longer than asked', async () => {
    using nobody = connect('127.0.0.1:1', { waitForReady: true });
    const late = { code: 'deadline-exceeded' };
    await expect(nobody.listModels({ timeoutMs: 100 })).rejects.toMatchObject(late);
    await expect(nobody.ready({ timeoutMs: 100 })).rejects.toMatchObject(late);
    const stopped = nobody.ready({ signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  });
});
