import { NoticeKind } from '../../src/gen/maskstream/v1/video_response.ts';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type VideoConfig,
  type VideoResult,
  type VideoStream,
} from '../../clients/typescript/index.ts';
import { Container } from '../../src/gen/maskstream/v1/video_request.ts';
import { changedConfig, http2Call } from '../fixtures/raw-call.ts';
import { encoders, makeClip, onlyDecoderId } from '../fixtures/encoded-clips.ts';
import { expectIntact, readToEnd, runStream } from '../fixtures/run-stream.ts';
import { startServer, type TestServer } from '../fixtures/start-server.ts';

const frames = 60;
const size = '160x120';
const config: VideoConfig = { container: 'mpeg-ts', delivery: 'every-frame' };
const rawConfig = changedConfig({ container: Container.CONTAINER_MPEG_TS });
const prompt = { objectId: 1, box: { x: 40, y: 30, width: 60, height: 50 } };

let system: TestServer;
let video: Buffer;

beforeAll(async () => {
  system = await startServer({ flushTimeoutMs: 500 });
  const encode = `${encoders.h264} -g 10`;
  video = await readFile(await makeClip({ encode, extension: 'ts', size, frames }));
});

afterAll(() => system[Symbol.asyncDispose]());

// Whatever a test did: nothing is left of it, and the next stream is served in full.
afterEach(() => expectIntact(system, config, { video, frames }));

/** Sends the prompt and the first part of the video, and reads until `count` frames are answered. */
async function begin(stream: VideoStream, count: number): Promise<AsyncIterator<VideoResult>> {
  const results = stream[Symbol.asyncIterator]();
  void stream.prompt(prompt).catch(() => {});
  await stream.sendChunk(video.subarray(0, Math.floor(video.length * 0.7)));
  for (let seen = 0; seen < count;) {
    const next = await results.next();
    if (next.done === true) throw new Error('the stream ended early');
    if (next.value.kind === 'masks') seen++;
  }
  return results;
}

describe('a client that is gone', () => {
  test('with its connection, before its video', async () => {
    const { session } = http2Call(system.port, { config: rawConfig });
    await expect.poll(() => system.server.activeStreams).toBe(1);
    session.destroy();
  });

  test('after its config', async () => {
    const stream = system.client.segmentVideo(config);
    const end = readToEnd(stream);
    await expect.poll(() => system.server.activeStreams).toBe(1);
    stream.cancel();
    expect((await end).failure).toMatchObject({ status: 'CANCELLED' });
  });

  test('while its video is sent', async () => {
    const stream = system.client.segmentVideo(config);
    await stream.sendChunk(video.subarray(0, 1000));
    stream.cancel();
    expect((await readToEnd(stream)).failure).toMatchObject({ status: 'CANCELLED' });
  });

  test('while its frames are answered', async () => {
    const stream = system.client.segmentVideo(config);
    const results = await begin(stream, 3);
    await results.return?.();
    await expect(stream.summary).rejects.toMatchObject({ status: 'CANCELLED' });
  });

  test('in the turn in which it came', async () => {
    const stream = system.client.segmentVideo(config);
    stream.cancel();
    expect((await readToEnd(stream)).failure).toMatchObject({ status: 'CANCELLED' });
  });

  test('after the end of its video', async () => {
    const stream = system.client.segmentVideo(config);
    await begin(stream, 1);
    await stream.sendChunk(video.subarray(Math.floor(video.length * 0.7)));
    stream.end();
    stream.cancel();
    await expect(stream.summary).rejects.toMatchObject({ status: 'CANCELLED' });
  });

  test('with its connection, while its video is sent', async () => {
    const { session, send } = http2Call(system.port, { config: rawConfig });
    send({ $case: 'chunk', value: { data: video.subarray(0, 20_000), randomAccess: false } });
    await expect.poll(() => system.server.activeStreams).toBe(1);
    session.destroy();
  });
});

test('a client that never reads stops its own stream, until its deadline', async () => {
  const before = system.ended.length;
  // A window of 1 KiB takes a few answers; what else waits is bounded by the server.
  const raw = http2Call(system.port, { timeoutMs: 4000, windowBytes: 1024, config: rawConfig });
  raw.send({ $case: 'chunk', value: { data: video, randomAccess: false } });
  raw.send({ $case: 'endOfVideo', value: {} });
  await expect.poll(() => system.server.activeStreams).toBe(1);
  const other = await runStream(system.client.segmentVideo(config), video);
  expect(other.failure).toBeNull();
  await expect.poll(() => system.server.activeStreams, { timeout: 10_000 }).toBe(0);
  const stalled = system.ended.slice(before).find((ended) => ended.code === 'deadline-exceeded');
  expect(stalled?.framesOut).toBeGreaterThan(0);
  expect(stalled?.framesOut).toBeLessThan(frames);
  raw.session.destroy();
});

test('a passed deadline ends a stream that waits for its client', async () => {
  const stream = system.client.segmentVideo(config, { timeoutMs: 1500 });
  await stream.sendChunk(video.subarray(0, 20_000));
  expect((await readToEnd(stream)).failure).toMatchObject({ status: 'DEADLINE_EXCEEDED' });
});

test('ffmpeg killed under a stream is INTERNAL, after what was decoded', async () => {
  const stream = system.client.segmentVideo(config);
  const results = await begin(stream, 2);
  process.kill(onlyDecoderId(), 'SIGKILL');
  const kinds: string[] = [];
  const rest = (async () => {
    for (let next = await results.next(); next.done !== true; next = await results.next()) {
      kinds.push(next.value.kind);
    }
  })();
  await expect(rest).rejects.toMatchObject({ status: 'INTERNAL', code: 'decoder-failed' });
  expect(kinds.at(-1)).toBe('summary');
  await expect(stream.summary).rejects.toMatchObject({
    summary: { framesOut: kinds.filter((kind) => kind === 'masks').length + 2 },
  });
});

test('the model worker killed under a stream is replaced, and no frame is lost', async () => {
  const stream = system.client.segmentVideo({ ...config, keyframes: { fixedInterval: 8 } });
  const results = await begin(stream, 3);
  await system.killModelWorker();
  const sent = stream.sendChunk(video.subarray(Math.floor(video.length * 0.7)));
  void sent.then(() => stream.end());
  let answered = 3;
  const notices: NoticeKind[] = [];
  for (let next = await results.next(); next.done !== true; next = await results.next()) {
    if (next.value.kind === 'masks') answered++;
    if (next.value.kind === 'notice') notices.push(next.value.notice.kind);
  }
  expect(answered).toBe(frames);
  expect(notices).toContain(NoticeKind.NOTICE_KIND_WORKER_RESTARTED);
});
