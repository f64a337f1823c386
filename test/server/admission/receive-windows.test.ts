import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { createServer, type MaskstreamServer } from '../../../src/server/index.ts';
import { http2Call } from '../../fixtures/raw-call.ts';
import { echoSession, scripted, scriptedModel } from '../../fixtures/scripted-session.ts';

const ofHttp2 = 65_535;

let server: MaskstreamServer | null = null;

afterEach(() => server?.close());

async function start(maxStreams: number): Promise<number> {
  const limits = { maxStreams };
  server = createServer({ sessions: scripted(echoSession), models: [scriptedModel], limits });
  return await server.start({ host: '127.0.0.1', port: 0 });
}

test('a connection with a stream may have megabytes on their way, each stream a part of them', async () => {
  const { session, stream } = http2Call(await start(1));
  await once(session, 'connect');
  expect(session.state.remoteWindowSize).toBeLessThanOrEqual(ofHttp2);
  await once(stream, 'data'); // StreamInfo: the stream has its place
  expect(session.remoteSettings.initialWindowSize).toBe(512 * 1024);
  expect(session.state.remoteWindowSize).toBeGreaterThan(3.9 * 1024 * 1024);
  session.destroy();
});

test('a connection whose call is refused may not', async () => {
  const port = await start(1);
  const first = http2Call(port);
  await once(first.stream, 'data');
  const { session, stream } = http2Call(port);
  const [headers] = (await once(stream, 'response')) as [Record<string, string>];
  expect(headers['grpc-status']).toBe('8');
  expect(session.remoteSettings.initialWindowSize).toBe(ofHttp2);
  expect(session.state.remoteWindowSize).toBeLessThanOrEqual(ofHttp2);
  first.session.destroy();
  session.destroy();
});
