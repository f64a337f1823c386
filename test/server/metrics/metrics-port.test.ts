import { once } from 'node:events';
import { connect } from 'node:net';
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

test('a connection that asks again before it has its answer is ended, and costs one text', async () => {
  const address = await start();
  opened.enter('serving');
  const connection = connect(opened.port, '127.0.0.1');
  let came = '';
  connection.on('data', (data) => (came += data.toString('latin1'))).on('error', () => undefined);
  connection.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2000));
  await new Promise((resolve) => connection.once('close', resolve));
  expect(came.split('HTTP/1.1 200').length - 1).toBeLessThanOrEqual(1);
  expect((await ask(address)).livez).toBe('200 ok');
});

test('however many connections are taken, a probe is answered', async () => {
  const address = await start();
  opened.enter('serving');
  const taken = Array.from({ length: 200 }, () => connect(opened.port, '127.0.0.1'));
  for (const connection of taken) connection.on('error', () => undefined);
  await Promise.all(taken.map((connection) => once(connection, 'connect')));
  expect(await ask(address)).toEqual({ startupz: '200 ok', readyz: '200 ok', livez: '200 ok' });
  for (const connection of taken) connection.destroy();
});

test('a connection may ask many times, one after another', async () => {
  const address = await start();
  for (let i = 0; i < 20; i++) expect((await fetch(`${address}/livez`)).status).toBe(200);
});

test('a port that is taken is refused with its address', async () => {
  await start();
  await expect(openMetricsPort({ host: '127.0.0.1', port: opened.port })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(`127.0.0.1:${opened.port} for metrics`) as unknown,
  });
});
