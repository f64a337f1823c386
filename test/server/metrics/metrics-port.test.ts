import { afterEach, expect, test } from 'vitest';
import { type MetricsPort, openMetricsPort } from '../../../src/server/index.ts';

let opened: MetricsPort;

async function start(): Promise<string> {
  opened = await openMetricsPort({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${opened.port}`;
}

afterEach(() => opened[Symbol.asyncDispose]());

async function ask(address: string): Promise<Record<string, string>> {
  const probes = ['startupz', 'readyz', 'livez'];
  const answers = await Promise.all(
    probes.map(async (probe) => {
      const response = await fetch(`${address}/${probe}`);
      return [probe, `${response.status} ${(await response.text()).trim()}`] as const;
    }),
  );
  return Object.fromEntries(answers);
}

test('the probes tell startup, readiness and liveness apart', async () => {
  const address = await start();
  expect(await ask(address)).toEqual({
    startupz: '503 the model is being loaded',
    readyz: '503 the server is starting',
    livez: '200 ok',
  });
  opened.enter('serving');
  expect(await ask(address)).toEqual({ startupz: '200 ok', readyz: '200 ok', livez: '200 ok' });
  opened.enter('draining');
  expect(await ask(address)).toEqual({
    startupz: '200 ok',
    readyz: '503 the server is draining',
    livez: '200 ok',
  });
});

test('what only a restart can mend is neither ready nor alive', async () => {
  const address = await start();
  opened.enter('serving');
  opened.watchFailure(() => 'no model worker can be started');
  const problem = '503 no model worker can be started';
  expect(await ask(address)).toEqual({ startupz: '200 ok', readyz: problem, livez: problem });
  expect(await (await fetch(`${address}/metrics`)).text()).toContain('maskstream_ready 0');
});

test('metrics are text in the format of Prometheus, of this process and of the service', async () => {
  const address = await start();
  opened.describe(
    { version: '1.2.3', model: 'm', provider: 'cpu', ffmpeg: '5.1' },
    { maxStreams: 8, maxLoad: null },
  );
  opened.enter('serving');
  const response = await fetch(`${address}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  expect(text).toContain(
    'maskstream_build_info{version="1.2.3",model="m",provider="cpu",ffmpeg="5.1"} 1',
  );
  expect(text).toContain('maskstream_ready 1');
  expect(text).toContain('maskstream_max_streams 8');
  expect(text).toMatch(/^process_resident_memory_bytes [1-9]/m);
});

test('other paths and methods are refused with what there is', async () => {
  const address = await start();
  const wrong = await fetch(`${address}/metric`);
  expect(wrong.status).toBe(404);
  expect(await wrong.text()).toContain('expected one of /metrics, /startupz, /readyz, /livez');
  expect((await fetch(`${address}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
});

test('a port that is taken is refused with its address', async () => {
  await start();
  await expect(openMetricsPort({ host: '127.0.0.1', port: opened.port })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(`127.0.0.1:${opened.port} for metrics`) as unknown,
  });
});
