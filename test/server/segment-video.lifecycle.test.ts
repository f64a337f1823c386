import { once } from 'node:events';
import { constants } from 'node:http2';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { deferred } from '../../clients/typescript/deferred.ts';
import type { SegmentationServiceClient } from '../../src/gen/maskstream/v1/segmentation_service.ts';
import {
  createServer,
  type MaskstreamServer,
  type OpenSession,
  type ServerLimits,
} from '../../src/server/index.ts';
import {
  changedPrompt,
  chunkMessage,
  collect,
  configMessage,
  exchange,
  http2Call,
  rawClient,
} from '../fixtures/raw-call.ts';
import {
  echoSession,
  infoEvent,
  masksEvent,
  scripted,
  scriptedModel,
  summaryEvent,
} from '../fixtures/scripted-session.ts';

let server: MaskstreamServer;
let client: SegmentationServiceClient;
const errorsLogged: object[] = [];

async function start(open: OpenSession, limits: Partial<ServerLimits> = {}): Promise<void> {
  errorsLogged.length = 0;
  const log = {
    info: () => {},
    warn: () => {},
    error: (fields: object) => void errorsLogged.push(fields),
  };
  server = createServer({ sessions: scripted(open), models: [scriptedModel], limits, log });
  client = rawClient(await server.start({ host: '127.0.0.1', port: 0 }));
}

afterEach(async () => {
  client.close();
  await server.close();
});

/** Takes everything and answers no prompt. */
const deafSession: OpenSession = async function* (inputs, options) {
  yield infoEvent(options);
  for await (const input of inputs) void input;
  yield summaryEvent(0);
};

/** A frame with a long label. */
const wordySession: OpenSession = async function* (_, options) {
  yield infoEvent(options);
  const event = masksEvent(0);
  if (event.kind !== 'masks') return;
  const objects = event.result.objects.map((object) => ({ ...object, label: 'x'.repeat(300) }));
  yield { kind: 'masks', result: { ...event.result, objects } };
};

/** A session that stands still until its signal aborts, and tells why it did. */
function standing(): { open: OpenSession; reason: Promise<unknown>; events: () => number } {
  const stopped = deferred<unknown>();
  let events = 0;
  const open: OpenSession = async function* (_, options) {
    yield infoEvent(options);
    events++;
    await once(options.signal, 'abort');
    stopped.resolve(options.signal.reason);
    options.signal.throwIfAborted();
  };
  return { open, reason: stopped.promise, events: () => events };
}

test('a client that hangs up aborts its session and frees its place', async () => {
  const { open, reason } = standing();
  await start(open);
  const call = client.segmentVideo();
  const ended = collect(call);
  call.write({ message: configMessage });
  await once(call, 'data');
  expect(server.activeStreams).toBe(1);
  call.cancel();
  expect(await reason).toMatchObject({ code: 'cancelled' });
  await ended;
  await expect.poll(() => server.activeStreams).toBe(0);
});

test('a client that hangs up before its config frees its place', async () => {
  await start(echoSession);
  const call = client.segmentVideo();
  const ended = collect(call);
  await expect.poll(() => server.activeStreams).toBe(1);
  call.cancel();
  await ended;
  await expect.poll(() => server.activeStreams).toBe(0);
});

test('a passed deadline aborts the session', async () => {
  const { open, reason } = standing();
  await start(open);
  const call = client.segmentVideo({ deadline: Date.now() + 100 });
  const ended = collect(call);
  call.write({ message: configMessage });
  expect((await ended).status.code).toBe(status.DEADLINE_EXCEEDED);
  // Whichever of the two clocks is first: the client's cancels.
  expect(['deadline-exceeded', 'cancelled']).toContain(((await reason) as { code: string }).code);
});

test('a client that never reads stops its session, and is reset after the reader timeout', async () => {
  let produced = 0;
  const endless: OpenSession = async function* (_, options) {
    yield infoEvent(options);
    for (let index = 0; ; index++) {
      produced = index;
      yield masksEvent(index);
    }
  };
  await start(endless, { readerTimeoutMs: 300, flushTimeoutMs: 100 });
  const { session, stream } = http2Call(server.port ?? 0);
  const closed = once(stream, 'close');
  await expect.poll(() => server.activeStreams).toBe(1);
  await closed;
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
  await expect.poll(() => server.activeStreams).toBe(0);
  // What the HTTP/2 window, sockets, grpc-js and the writer hold together, in frames of 100 bytes.
  expect(produced).toBeGreaterThan(10);
  expect(produced).toBeLessThan(20_000);
  session.destroy();
});

test('a client that sends nothing for too long is ended with its summary', async () => {
  await start(echoSession, { idleTimeoutMs: 200 });
  const call = client.segmentVideo();
  const ended = collect(call);
  call.write({ message: configMessage });
  call.write({ message: chunkMessage() });
  const { responses, status: end } = await ended;
  expect(end.code).toBe(status.DEADLINE_EXCEEDED);
  expect(end.details).toContain('sent nothing for 200 ms');
  expect(responses.map((response) => response.$case)).toEqual(['info', 'masks', 'summary']);
});

test('a client that sends a little again and again, and no video, is ended all the same', async () => {
  // Each message is progress of no kind: nothing is answered.
  await start(deafSession, { stallTimeoutMs: 400, minRequestBytesPerSecond: 1e6 });
  const call = client.segmentVideo();
  const ended = collect(call);
  call.write({ message: configMessage });
  const drip = setInterval(() => call.write({ message: chunkMessage(1) }), 20);
  const { responses, status: end } = await ended;
  clearInterval(drip);
  expect(end.code).toBe(status.DEADLINE_EXCEEDED);
  expect(end.details).toContain('was waited for 400 ms for a second of it');
  expect(responses.map((response) => response.$case)).toEqual(['info', 'summary']);
});

test('a client that sends more than is taken, and no video, is ended as one that sends nothing', async () => {
  const limits = { maxMessagesPerSecond: 50, stallTimeoutMs: 400, minRequestBytesPerSecond: 1e6 };
  await start(deafSession, limits);
  const call = client.segmentVideo();
  const ended = collect(call);
  call.write({ message: configMessage });
  const flood = setInterval(() => {
    for (let i = 0; i < 20; i++) call.write({ message: chunkMessage(1) });
  }, 20);
  const { status: end } = await ended;
  clearInterval(flood);
  expect(end.code).toBe(status.DEADLINE_EXCEEDED);
  expect(end.details).toContain('was waited for 400 ms for a second of it');
});

test('a session that reads slowly holds back the client', async () => {
  let read = 0;
  const never: OpenSession = async function* (inputs, options) {
    yield infoEvent(options);
    for await (const input of inputs) {
      if (input.kind === 'chunk' && ++read === 3) break;
    }
    await once(options.signal, 'abort');
  };
  await start(never);
  const call = client.segmentVideo();
  const ended = collect(call);
  call.write({ message: configMessage });
  let flushed = 0;
  for (let chunk = 0; chunk < 200; chunk++) {
    call.write({ message: chunkMessage(65_536) }, () => flushed++);
  }
  await expect.poll(() => read).toBe(3);
  let before = -1;
  while (before !== flushed) {
    before = flushed;
    for (let turn = 0; turn < 200; turn++) await nextTurn();
  }
  expect(flushed).toBeLessThan(60);
  call.cancel();
  await ended;
});

test('an error that is no SegmentationError is "internal error", its cause in the log only', async () => {
  await start(async function* (_, options) {
    yield infoEvent(options);
    yield masksEvent(0);
    throw new TypeError('secret path');
  });
  const { responses, status: end } = await exchange(client, [configMessage]);
  expect(end).toMatchObject({ code: status.INTERNAL, details: 'internal error' });
  expect(responses.map((response) => response.$case)).toEqual(['info', 'masks', 'summary']);
  expect(errorsLogged).toMatchObject([{ err: { cause: { message: 'secret path' } } }]);
});

test('a session without a summary still ends with one', async () => {
  await start(async function* (_, options) {
    yield infoEvent(options);
    yield masksEvent(0);
  });
  const { responses } = await exchange(client, [configMessage]);
  expect(responses.at(-1)).toMatchObject({ $case: 'summary', value: { framesOut: 1 } });
});

test('a prompt that its session never answers gets an error before the summary', async () => {
  await start(deafSession);
  const { responses } = await exchange(client, [configMessage, changedPrompt({ requestId: 9 })]);
  expect(responses.map((response) => response.$case)).toEqual(['info', 'ack', 'summary']);
  expect(responses[1]).toMatchObject({
    value: { requestId: 9, error: { code: 'frame-never-came' } },
  });
});

test('a request id in use and more prompts than may wait are refused', async () => {
  await start(deafSession, { maxPendingPrompts: 2 });
  const { responses } = await exchange(client, [
    configMessage,
    changedPrompt({ requestId: 1 }),
    changedPrompt({ requestId: 1, objectId: 2 }),
    changedPrompt({ requestId: 2, objectId: 3 }),
    changedPrompt({ requestId: 3, objectId: 4 }),
  ]);
  const acks = responses.flatMap((response) => (response.$case === 'ack' ? [response.value] : []));
  expect(acks.map(({ requestId, error }) => [requestId, error?.code])).toEqual([
    [1, 'invalid-prompt'],
    [3, 'too-many-prompts'],
    [1, 'frame-never-came'],
    [2, 'frame-never-came'],
  ]);
});

test('streams beyond the limit are refused until one ends', async () => {
  await start(echoSession, { maxStreams: 1 });
  const first = client.segmentVideo();
  const firstEnd = collect(first);
  first.write({ message: configMessage });
  await once(first, 'data');
  const refused = await exchange(client, [configMessage]);
  expect(refused.status).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  expect(refused.status.details).toContain('at most 1 streams');
  first.end();
  expect((await firstEnd).status.code).toBe(status.OK);
  await expect.poll(() => server.activeStreams).toBe(0);
  expect((await exchange(client, [configMessage])).status.code).toBe(status.OK);
});

test('a message above the limit ends its own stream only', async () => {
  await start(echoSession, { maxRequestBytes: 10_000 });
  const other = client.segmentVideo();
  const otherEnd = collect(other);
  other.write({ message: configMessage });
  const { status: end } = await exchange(client, [configMessage, chunkMessage(20_000)]);
  expect(end.code).toBe(status.RESOURCE_EXHAUSTED);
  other.write({ message: chunkMessage() });
  other.end();
  const { responses, status: otherStatus } = await otherEnd;
  expect(otherStatus.code).toBe(status.OK);
  expect(responses.map((response) => response.$case)).toEqual(['info', 'masks', 'summary']);
});

test('an answer above the limit ends the stream with what to do', async () => {
  await start(wordySession, { maxResponseBytes: 300 });
  const { responses, status: end } = await exchange(client, [configMessage]);
  expect(end.code).toBe(status.RESOURCE_EXHAUSTED);
  expect(end.details).toContain('ask for smaller masks');
  expect(responses.at(-1)?.$case).toBe('summary');
});

test('a stream that is reset with an odd code costs no other stream anything', async () => {
  await start(echoSession);
  const other = client.segmentVideo();
  const otherEnd = collect(other);
  other.write({ message: configMessage });
  for (const code of [constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_PROTOCOL_ERROR]) {
    const { session, stream } = http2Call(server.port ?? 0);
    await expect.poll(() => server.activeStreams).toBe(2);
    stream.close(code);
    await expect.poll(() => server.activeStreams).toBe(1);
    session.destroy();
  }
  other.write({ message: chunkMessage() });
  other.end();
  expect((await otherEnd).status.code).toBe(status.OK);
});
