import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  check,
  connection,
  frame,
  listModels,
  open,
  reconnect,
  segmentImage,
  segmentVideo,
  start,
  stop,
  warned,
} from '../../fixtures/guarded-server.ts';

afterEach(stop);

// config { container: 4, delivery: 1 }
const config = frame(Buffer.from([0x0a, 4, 0x08, 4, 0x18, 1]));

describe('calls without a place', () => {
  const watch = '/grpc.health.v1.Health/Watch';
  const nothing = frame(new Uint8Array());

  test('are so many, and a few for who holds none where others have them all', async () => {
    await start({ maxOtherCalls: 20 });
    for (let i = 0; i < 20; i++) open(watch).stream.end(nothing);
    const more = open(watch);
    more.stream.end(nothing);
    expect(await more.ended).toMatchObject({ status: 8, code: 'server-exhausted' });
    const greedy = reconnect();
    const statuses = async (count: number) => {
      const calls = Array.from({ length: count }, () => open(check));
      for (const { stream } of calls) stream.end(nothing);
      return (await Promise.all(calls.map(({ ended }) => ended))).map(({ status }) => status);
    };
    expect(await statuses(8)).toEqual(Array.from({ length: 8 }, () => 0));
    greedy?.destroy();
    await expect.poll(() => statuses(12)).toEqual(Array.from({ length: 12 }, () => 0));
  });

  test('on one connection wait at the client beyond what HTTP/2 was told', async () => {
    await start({ maxStreams: 2 });
    await once(connection(), 'remoteSettings');
    expect(connection().remoteSettings.maxConcurrentStreams).toBe(130);
  });

  test('take a thousand requests, each of which is an answer that somebody must read', async () => {
    await start();
    // list_services: "*"
    const request = frame(Buffer.of(0x3a, 1, 0x2a));
    const many = (count: number) => Buffer.concat(Array.from({ length: count }, () => request));
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const most = open(path);
    most.stream.end(many(1000));
    expect((await most.ended).status).toBe(0);
    const more = open(path);
    more.stream.write(many(3000));
    expect(await more.ended).toMatchObject({ status: 8, code: 'request-too-large' });
  });

  test('leave no name behind that only they knew', async () => {
    await start();
    const kept = vi.spyOn(Map.prototype, 'set');
    const name = 'x'.repeat(100);
    const call = open(watch);
    call.stream.end(frame(Buffer.concat([Buffer.of(10, name.length), Buffer.from(name)])));
    await once(call.stream, 'data');
    expect(kept.mock.calls.filter(([key]) => key === name)).toEqual([]);
    kept.mockRestore();
  });
});

describe('headers', () => {
  test('of a call that unpack to more than 16 KiB are refused, and the next ones are taken', async () => {
    await start();
    const swollen = open(check, { 'x-a': 'a'.repeat(10_000), 'x-b': 'b'.repeat(7000) });
    swollen.stream.end(frame(new Uint8Array()));
    expect(await swollen.ended).toMatchObject({ status: 8, code: 'request-too-large' });
    const fitting = open(check, { 'x-a': 'a'.repeat(10_000) });
    fitting.stream.end(frame(new Uint8Array()));
    expect((await fitting.ended).status).toBe(0);
  });
});

describe('a deadline', () => {
  test.each(['abc', '1', 'S', '123456789S', ''])('of %j is INVALID_ARGUMENT', async (timeout) => {
    await start();
    const call = open(listModels, { 'grpc-timeout': timeout });
    call.stream.end(frame(new Uint8Array()));
    expect(await call.ended).toMatchObject({ status: 3, code: 'malformed-message' });
  });

  test.each(['1000H', '99999999H'])(
    'of %s, longer than a timer, ends no stream',
    async (timeout) => {
      await start();
      const call = open(segmentVideo, { 'grpc-timeout': timeout });
      call.stream.write(config);
      await once(call.stream, 'data');
      call.stream.end();
      expect((await call.ended).status).toBe(0);
    },
  );

  test('that is over ends its stream', async () => {
    await start();
    const call = open(segmentVideo, { 'grpc-timeout': '100m' });
    call.stream.write(config);
    expect((await call.ended).status).toBe(4);
  });
});

describe('a single call that is refused before its handler', () => {
  test('has a line in the log, and a flood of them has one a second', async () => {
    await start();
    for (let i = 0; i < 20; i++) {
      const call = open(segmentImage);
      call.stream.write(frame(new Uint8Array(1), { length: 2 ** 31 }));
      await call.ended;
    }
    expect(warned.length).toBeLessThan(10);
    expect(warned[0]).toMatchObject({
      message: 'call refused',
      method: segmentImage,
      principal: 'anyone',
      code: 'request-too-large',
      reason: expect.stringContaining('request of this method must have at most') as unknown,
      unlogged: 0,
    });
  });

  test.each([
    ['packed bytes', { packed: true }, { 'grpc-encoding': 'gzip' }, 'malformed-message'],
    ['headers', {}, { 'x-a': 'a'.repeat(20_000) }, 'request-too-large'],
  ])('has it for its %s too', async (_what, flags, headers, code) => {
    await start();
    const call = open(segmentImage, headers);
    call.stream.end(frame(Buffer.from('no gzip'), flags));
    await call.ended;
    expect(warned).toMatchObject([{ message: 'call refused', method: segmentImage, code }]);
  });
});
