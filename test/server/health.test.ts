import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { createHealth, type Health } from '../../src/server/health.ts';
import { checkHealth, watchHealth } from '../fixtures/health-client.ts';

const service = 'maskstream.v1.SegmentationService';

let server: Server;

async function start(health: Health): Promise<string> {
  server = new Server();
  health.addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return `127.0.0.1:${port}`;
}

afterEach(() => server.forceShutdown());

async function states(address: string): Promise<Record<string, string | undefined>> {
  const names = ['', 'startup', 'readiness', 'liveness', `${service}/small`, `${service}/large`];
  const answers = await Promise.all(names.map((name) => checkHealth(address, name)));
  return Object.fromEntries(names.map((name, i) => [name.split('/').at(-1), answers[i]?.status]));
}

test('startup, readiness and liveness are told apart, and each model has a health', async () => {
  const health = createHealth(['small', 'large']);
  const address = await start(health);
  health.serve();
  const all = { '': 'SERVING', startup: 'SERVING', readiness: 'SERVING', liveness: 'SERVING' };
  expect(await states(address)).toEqual({ ...all, small: 'SERVING', large: 'SERVING' });

  health.setModel('small', false);
  expect(await states(address)).toEqual({ ...all, small: 'NOT_SERVING', large: 'SERVING' });

  health.drain();
  const none = { '': 'NOT_SERVING', readiness: 'NOT_SERVING' };
  const models = { small: 'NOT_SERVING', large: 'NOT_SERVING' };
  expect(await states(address)).toEqual({ ...all, ...none, ...models });
  expect(await checkHealth(address, `${service}/huge`)).toEqual({ code: status.NOT_FOUND });
});

test('without any usable model the process is not alive: a restart is what helps', async () => {
  const health = createHealth(['small']);
  const address = await start(health);
  health.serve();
  health.setModel('small', false);
  expect(await states(address)).toMatchObject({ '': 'NOT_SERVING', liveness: 'NOT_SERVING' });
  health.setModel('small', true);
  expect(await states(address)).toMatchObject({ '': 'SERVING', liveness: 'SERVING' });
});

test('Watch tells of every change of one model', async () => {
  const health = createHealth(['small']);
  const address = await start(health);
  health.serve();
  const seen = watchHealth(address, `${service}/small`);
  expect((await seen.next()).value).toBe('SERVING');
  health.setModel('small', false);
  expect((await seen.next()).value).toBe('NOT_SERVING');
  health.setModel('small', true);
  expect((await seen.next()).value).toBe('SERVING');
  await seen.return(undefined);
});
