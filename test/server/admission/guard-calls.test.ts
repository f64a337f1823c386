import { type ClientHttp2Session, connect } from 'node:http2';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  createServer,
  identifyByTokens,
  namedToken,
  type MaskstreamServer,
} from '../../../src/server/index.ts';
import type { ServerLimits } from '../../../src/server/index.ts';
import { silentLogger } from '../../../src/server/logger.ts';
import { SegmentVideoResponse } from '../../../src/gen/maskstream/v1/video_response.ts';
import { SegmentImageRequest } from '../../../src/gen/maskstream/v1/image.ts';
import { echoSession, scripted, scriptedModel } from '../../fixtures/scripted-session.ts';

const check = '/grpc.health.v1.Health/Check';
const listModels = '/maskstream.v1.SegmentationService/ListModels';
const segmentImage = '/maskstream.v1.SegmentationService/SegmentImage';
const segmentVideo = '/maskstream.v1.SegmentationService/SegmentVideo';

let server: MaskstreamServer | null = null;
let session: ClientHttp2Session;
let warned: object[] = [];

afterEach(async () => {
  warned = [];
  session.destroy();
  await server?.close();
});

async function start(limits: Partial<ServerLimits> = {}, token?: string): Promise<void> {
  server = createServer({
    sessions: scripted(echoSession),
    models: [scriptedModel],
    limits,
    log: { ...silentLogger, warn: (fields, message) => void warned.push({ ...fields, message }) },
    ...(token === undefined ? {} : { identify: identifyByTokens([namedToken('a', token)]) }),
  });
  const port = await server.start({ host: '127.0.0.1', port: 0 });
  session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
}

/** A call that never half-closes, and how it ended: its status, and the code it was reset with. */
function open(path: string, headers: Record<string, string> = {}) {
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    },
    { endStream: false },
  );
  stream.on('error', () => {});
  let status: Record<string, unknown> = {};
  stream.on('response', (answer) => (status = { ...status, ...answer }));
  stream.on('trailers', (trailers) => (status = { ...status, ...trailers }));
  stream.resume();
  const ended = once(stream, 'close').then(() => ({
    status: Number(status['grpc-status']),
    code: status['maskstream-error-code'],
    rstCode: stream.rstCode,
  }));
  return { stream, ended };
}

/** A gRPC frame; the length may be a lie. */
function frame(content: Uint8Array, { length = content.length, packed = false } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = packed ? 1 : 0;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, content]);
}

describe('a request', () => {
  test.each([check, listModels, '/grpc.health.v1.Health/Watch'])(
    'of %s that says it is large is refused and reset before it comes',
    async (path) => {
      await start();
      const { stream, ended } = open(path);
      stream.write(frame(new Uint8Array(16), { length: 1024 * 1024 }));
      expect(await ended).toEqual({ status: 8, code: 'request-too-large', rstCode: 0 });
    },
  );

  test.each([check, segmentImage, segmentVideo])(
    'of %s that does not come to its end is refused in time',
    async (path) => {
      await start({ requestTimeoutMs: 100, minRequestBytesPerSecond: 1e9 });
      const { stream, ended } = open(path);
      stream.write(frame(new Uint8Array(16), { length: 1024 }));
      expect(await ended).toEqual({ status: 4, code: 'deadline-exceeded', rstCode: 0 });
    },
  );

  test('that is complete and never half-closed is refused in time', async () => {
    await start({ requestTimeoutMs: 100, minRequestBytesPerSecond: 1e9 });
    const { stream, ended } = open(segmentImage);
    stream.write(frame(new Uint8Array(0)));
    expect(await ended).toMatchObject({ code: 'deadline-exceeded' });
  });

  test('of a stream that waits between messages is left alone', async () => {
    await start({ requestTimeoutMs: 50, minRequestBytesPerSecond: 1e9 });
    const { stream } = open(segmentVideo);
    // config { container: 4, delivery: 1 }
    stream.write(frame(Buffer.from([0x0a, 4, 0x08, 4, 0x18, 1])));
    await once(stream, 'data');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(stream.closed).toBe(false);
  });

  test('beyond what a connection may have under way is refused, and the bytes are given up', async () => {
    await start({ maxConnectionBytes: 100_000 });
    const first = open(segmentImage);
    first.stream.write(frame(new Uint8Array(60_000), { length: 500_000 }));
    const second = open(segmentImage);
    second.stream.write(frame(new Uint8Array(60_000), { length: 500_000 }));
    expect(await second.ended).toMatchObject({ status: 8, code: 'request-too-large' });
    const third = open(segmentImage);
    third.stream.write(frame(new Uint8Array(20_000)));
    third.stream.end();
    expect(await third.ended).toMatchObject({ code: 'malformed-message' });
  });

  test.each([check, listModels, segmentImage])(
    'of %s that is no protobuf is INVALID_ARGUMENT',
    async (path) => {
      await start();
      const { stream, ended } = open(path);
      stream.end(frame(Buffer.from([0x0a, 0xff, 0xff, 0xff])));
      expect(await ended).toMatchObject({ status: 3, code: 'malformed-message' });
    },
  );
});

// config { container: 4, delivery: 1 }; chunk { data: "a" }
const config = frame(Buffer.from([0x0a, 4, 0x08, 4, 0x18, 1]));
const chunk = frame(Buffer.from([0x12, 3, 0x0a, 1, 0x61]));
const large = frame(new Uint8Array(16), { length: 2000 });

/** The answers to these writes, and the status. */
async function answersTo(...writes: readonly Buffer[]) {
  await start({ maxRequestBytes: 1000 });
  const { stream, ended } = open(segmentVideo);
  const received: Buffer[] = [];
  stream.on('data', (data: Buffer) => received.push(data));
  for (const bytes of writes) {
    await new Promise((resolve) => stream.write(bytes, resolve));
  }
  const { status, code } = await ended;
  return { status, code, kinds: answerKinds(Buffer.concat(received)) };
}

describe('a stream with a request that is too large', () => {
  test('is answered as far as it came, summed up and then refused', async () => {
    expect(await answersTo(config, chunk, chunk, large)).toEqual({
      status: 8,
      code: 'request-too-large',
      kinds: ['info', 'masks', 'masks', 'summary'],
    });
  });

  test('is so where all of it comes at once', async () => {
    expect(await answersTo(Buffer.concat([config, chunk, large]), chunk)).toEqual({
      status: 8,
      code: 'request-too-large',
      kinds: ['info', 'masks', 'summary'],
    });
  });

  test('is so where the large one comes whole, with what came before it', async () => {
    const whole = frame(new Uint8Array(2000));
    expect(await answersTo(Buffer.concat([config, chunk, whole, chunk]))).toEqual({
      status: 8,
      code: 'request-too-large',
      kinds: ['info', 'masks', 'summary'],
    });
  });

  test('is summed up where nothing came before', async () => {
    expect(await answersTo(large)).toEqual({
      status: 8,
      code: 'request-too-large',
      kinds: ['summary'],
    });
  });
});

/** What each message of a SegmentVideo call's answer holds. */
function answerKinds(bytes: Buffer): (string | undefined)[] {
  const kinds: (string | undefined)[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    kinds.push(SegmentVideoResponse.decode(bytes.subarray(at + 5, end)).message?.$case);
    at = end;
  }
  return kinds;
}

describe('a packed request', () => {
  test('that unpacks a thousandfold is refused early', async () => {
    await start();
    const bomb = gzipSync(new Uint8Array(16_000_000));
    const { stream, ended } = open(segmentImage, { 'grpc-encoding': 'gzip' });
    stream.end(frame(bomb, { packed: true }));
    expect(await ended).toMatchObject({ status: 8, code: 'request-too-large' });
  });

  test('that is not packed at all is INVALID_ARGUMENT', async () => {
    await start();
    const { stream, ended } = open(segmentImage, { 'grpc-encoding': 'gzip' });
    stream.end(frame(Buffer.from('not packed'), { packed: true }));
    expect(await ended).toMatchObject({ status: 3, code: 'malformed-message' });
  });

  test('that is honest is served', async () => {
    await start();
    const request = SegmentImageRequest.encode(SegmentImageRequest.fromPartial({})).finish();
    const { stream, ended } = open(segmentImage, { 'grpc-encoding': 'gzip' });
    stream.end(frame(gzipSync(request), { packed: true }));
    expect(await ended).toMatchObject({ code: 'invalid-prompt' });
  });
});

test('who has no token is reset at once', async () => {
  await start({}, 'secret');
  const { stream, ended } = open(segmentImage);
  stream.write(frame(new Uint8Array(16), { length: 1024 * 1024 }));
  expect(await ended).toEqual({ status: 16, code: 'unauthenticated', rstCode: 0 });
});

describe('calls without a place', () => {
  const watch = '/grpc.health.v1.Health/Watch';
  const nothing = frame(new Uint8Array());

  test('are so many, and a few for who holds none where others have them all', async () => {
    await start({ maxOtherCalls: 20 });
    for (let i = 0; i < 20; i++) open(watch).stream.end(nothing);
    const more = open(watch);
    more.stream.end(nothing);
    expect(await more.ended).toMatchObject({ status: 8, code: 'server-exhausted' });
    const greedy = session;
    session = connect(`http://127.0.0.1:${server?.port}`);
    const statuses = async (count: number) => {
      const calls = Array.from({ length: count }, () => open(check));
      for (const { stream } of calls) stream.end(nothing);
      return (await Promise.all(calls.map(({ ended }) => ended))).map(({ status }) => status);
    };
    expect(await statuses(8)).toEqual(Array.from({ length: 8 }, () => 0));
    greedy.destroy();
    await expect.poll(() => statuses(12)).toEqual(Array.from({ length: 12 }, () => 0));
  });

  test('on one connection wait at the client beyond what HTTP/2 was told', async () => {
    await start({ maxStreams: 2 });
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(130);
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
