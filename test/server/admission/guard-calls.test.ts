import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { SegmentVideoResponse } from '../../../src/gen/maskstream/v1/video_response.ts';
import { SegmentImageRequest } from '../../../src/gen/maskstream/v1/image.ts';
import {
  check,
  frame,
  listModels,
  open,
  segmentImage,
  segmentVideo,
  start,
  stop,
} from '../../fixtures/guarded-server.ts';

afterEach(stop);

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
