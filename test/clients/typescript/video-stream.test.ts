import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  CallFailed,
  connect,
  decodeMask,
  type PromptOptions,
  PromptRejected,
  type SegmentationClient,
  type VideoResult,
  type VideoStream,
} from '../../../clients/typescript/index.ts';
import { deferred } from '../../../clients/typescript/deferred.ts';
import { SegmentationError } from '../../../src/frame/errors.ts';
import {
  createServer,
  type MaskstreamServer,
  type OpenSession,
} from '../../../src/server/index.ts';
import {
  echoSession,
  infoEvent,
  masksEvent,
  scripted,
  scriptedModel,
  summaryEvent,
} from '../../fixtures/scripted-session.ts';

let server: MaskstreamServer | null = null;
let client: SegmentationClient | null = null;

async function start(open: OpenSession): Promise<SegmentationClient> {
  server = createServer({ sessions: scripted(open), models: [scriptedModel] });
  client = connect(`127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`);
  return client;
}

afterEach(async () => {
  client?.close();
  await server?.close();
});

const config = { container: 'mp4', delivery: 'every-frame' } as const;

async function drain(stream: VideoStream): Promise<VideoResult[]> {
  const results: VideoResult[] = [];
  for await (const result of stream) results.push(result);
  return results;
}

const failAfterFrames: OpenSession = async function* (_, options) {
  yield infoEvent(options);
  for (let index = 0; index < 200; index++) yield masksEvent(index);
  yield summaryEvent(200);
  throw new SegmentationError('undecodable-video', 'video must be mp4, got noise');
};

const failOnPrompt: OpenSession = async function* (inputs, options) {
  yield infoEvent(options);
  for await (const input of inputs) if (input.kind === 'prompt') break;
  for (let index = 0; index < 40; index++) yield masksEvent(index);
  throw new SegmentationError('model-failed', 'no');
};

const correctFirstFrame: OpenSession = async function* (_, options) {
  yield infoEvent(options);
  yield masksEvent(0);
  yield masksEvent(0, 4, 1);
  yield summaryEvent(1);
};

const infoOnly: OpenSession = async function* (_, options) {
  yield infoEvent(options);
  await new Promise((resolve) => options.signal.addEventListener('abort', resolve));
  options.signal.throwIfAborted();
};

test('chunks are cut to the limit and answered with one masks result each', async () => {
  const stream = (await start(echoSession)).segmentVideo(config, { maxChunkBytes: 1000 });
  const results = drain(stream);
  await stream.sendChunk(new Uint8Array(3500));
  stream.end();
  const kinds = (await results).map((result) => result.kind);
  expect(kinds).toEqual(['info', 'masks', 'masks', 'masks', 'masks', 'summary']);
  expect((await stream.info).width).toBe(64);
  expect((await stream.summary).framesOut).toBe(4);
});

test('a prompt resolves with its acknowledgement', async () => {
  const stream = (await start(echoSession)).segmentVideo(config);
  const ack = stream.prompt({ objectId: 7, box: { x: 1, y: 2, width: 3, height: 4 } });
  stream.end();
  expect(await ack).toMatchObject({ objectIds: [7], frameIndex: 0 });
  await drain(stream);
});

test('a refused prompt rejects with its code, and the stream goes on', async () => {
  const stream = (await start(echoSession)).segmentVideo(config);
  const results = drain(stream);
  const refused = stream.prompt({ objectId: 0, points: [{ x: 1, y: 1 }] });
  await expect(refused).rejects.toThrow(PromptRejected);
  await expect(refused).rejects.toMatchObject({ code: 'invalid-prompt' });
  await stream.sendChunk(new Uint8Array(1));
  stream.end();
  expect((await results).map((result) => result.kind)).toEqual(['info', 'masks', 'summary']);
});

test('acknowledgements arrive while nobody takes results', async () => {
  const stream = (await start(echoSession)).segmentVideo(config);
  for (let sent = 0; sent < 20; sent++) await stream.sendChunk(new Uint8Array(1));
  expect((await stream.prompt({ objectId: 1, points: [{ x: 1, y: 1 }] })).objectIds).toEqual([1]);
  stream.end();
  expect(await drain(stream)).toHaveLength(22);
});

test('a failed stream delivers its results and its summary before the error', async () => {
  const stream = (await start(failAfterFrames)).segmentVideo(config);
  const results: VideoResult[] = [];
  let failure: unknown;
  try {
    for await (const result of stream) results.push(result);
  } catch (error) {
    failure = error;
  }
  expect(results).toHaveLength(202);
  expect(failure).toBeInstanceOf(CallFailed);
  expect(failure).toMatchObject({
    status: 'INVALID_ARGUMENT',
    code: 'undecodable-video',
    message: 'video must be mp4, got noise',
    summary: { framesOut: 200 },
  });
  await expect(stream.summary).rejects.toBe(failure);
});

test('a failure settles every promise although nobody takes results', async () => {
  const stream = (await start(failOnPrompt)).segmentVideo(config, { maxWaitingResults: 30 });
  const ack = stream.prompt({ objectId: 1, points: [{ x: 1, y: 1 }] });
  await expect(ack).rejects.toMatchObject({ code: 'frame-never-came' });
  await expect(stream.summary).rejects.toMatchObject({ code: 'model-failed' });
  await expect(stream.sendChunk(new Uint8Array(1))).rejects.toThrow(CallFailed);
});

test('sendChunk waits while the server does not read', async () => {
  const mayRead = deferred<void>();
  const slow: OpenSession = async function* (inputs, options) {
    yield infoEvent(options);
    await mayRead.promise;
    yield* echoSession(inputs, options, scriptedModel);
  };
  const stream = (await start(slow)).segmentVideo(config, { maxBytesInFlight: 200_000 });
  await stream.info;
  let sentBytes = 0;
  const sending = (async () => {
    for (let chunk = 0; chunk < 100; chunk++) {
      await stream.sendChunk(new Uint8Array(65_536));
      sentBytes += 65_536;
    }
    stream.end();
  })();
  // The sender stands still once two rounds of the event loop bring no progress.
  for (let before = -1; before !== sentBytes;) {
    before = sentBytes;
    for (let turn = 0; turn < 200; turn++) await nextTurn();
  }
  expect(sentBytes).toBeLessThan(100 * 65_536);
  mayRead.resolve();
  const results = drain(stream);
  await sending;
  expect((await results).filter((result) => result.kind === 'masks')).toHaveLength(100);
});

test('leaving the loop cancels the call', async () => {
  const aborted = deferred<unknown>();
  const endless: OpenSession = async function* (_, options) {
    options.signal.addEventListener('abort', () => aborted.resolve(options.signal.reason));
    yield infoEvent(options);
    for (let index = 0; ; index++) yield masksEvent(index);
  };
  for await (const result of (await start(endless)).segmentVideo(config)) {
    if (result.kind === 'masks') break;
  }
  expect(await aborted.promise).toMatchObject({ code: 'cancelled' });
});

test('corrections are marked, and the highest revision is noted', async () => {
  const stream = (await start(correctFirstFrame)).segmentVideo(config);
  stream.end();
  const corrections = (await drain(stream)).flatMap((result) =>
    result.kind === 'masks' ? [result.isCorrection] : [],
  );
  expect(corrections).toEqual([false, true]);
  expect(stream.revision).toBe(1);
});

test('every mask encoding decodes to the same pixels', async () => {
  const connected = await start(echoSession);
  const expected = new Uint8Array(64 * 48);
  for (let y = 0; y < 8; y++) expected.fill(1, y * 64, y * 64 + 8);
  for (const maskEncoding of ['coco-rle', 'png', 'bitmap', 'polygons'] as const) {
    const stream = connected.segmentVideo({ ...config, maskEncoding });
    await stream.sendChunk(new Uint8Array(1));
    stream.end();
    const [, masks] = await drain(stream);
    const mask = masks?.kind === 'masks' ? masks.masks.objects[0]?.mask : undefined;
    const decoded = mask === undefined ? maskEncoding : decodeMask(mask);
    expect(decoded).toEqual({ width: 64, height: 48, data: expected });
  }
});

test('the deadline of a call fails it', async () => {
  const stream = (await start(infoOnly)).segmentVideo(config, { timeoutMs: 200 });
  await expect(drain(stream)).rejects.toMatchObject({
    status: 'DEADLINE_EXCEEDED',
    code: 'deadline-exceeded',
  });
});

test('a server that is not there is UNAVAILABLE', async () => {
  const nobody = connect('127.0.0.1:1');
  await expect(nobody.listModels()).rejects.toMatchObject({
    status: 'UNAVAILABLE',
    code: 'unreachable',
  });
  nobody.close();
});

test('sendVideo sends everything and ends the stream', async () => {
  const stream = (await start(echoSession)).segmentVideo(config);
  const results = drain(stream);
  await stream.sendVideo([new Uint8Array(1), new Uint8Array(1)]);
  expect((await results).map((result) => result.kind)).toEqual([
    'info',
    'masks',
    'masks',
    'summary',
  ]);
});

test('a video that cannot be read ends the results with the reason, and no process', async () => {
  const stream = (await start(echoSession)).segmentVideo(config);
  const reason = new Error('disk on fire');
  // eslint-disable-next-line require-yield -- it fails before its first chunk
  const video = (async function* (): AsyncGenerator<Uint8Array> {
    await stream.info;
    throw reason;
  })();
  // Nobody awaits it: an unhandled rejection would fail this file.
  void stream.sendVideo(video);
  await expect(drain(stream)).rejects.toBe(reason);
});

test('cancelling says so, with a code', async () => {
  const connected = await start(infoOnly);
  const stream = connected.segmentVideo(config);
  await stream.info;
  stream.cancel();
  await expect(stream.summary).rejects.toMatchObject({ status: 'CANCELLED', code: 'cancelled' });
  const aborted = connected.segmentVideo(config, { signal: AbortSignal.abort() });
  await expect(drain(aborted)).rejects.toMatchObject({ code: 'cancelled' });
  const none = connected.listModels({ signal: AbortSignal.abort() });
  await expect(none).rejects.toMatchObject({ code: 'cancelled' });
});

test('a stream that is over says so, with a code', async () => {
  const stream = (await start(echoSession)).segmentVideo(config);
  stream.end();
  await drain(stream);
  const late = { code: 'stream-over' };
  await expect(stream.sendChunk(new Uint8Array(1))).rejects.toMatchObject(late);
  await expect(stream.prompt({ objectId: 1, points: [{ x: 1, y: 1 }] })).rejects.toMatchObject(
    late,
  );
});

test.each([
  ['container', { container: 'mp5' }, /^container must be one of h264-annex-b, .*, got "mp5"$/],
  ['container', { container: 'toString' }, /^container must be one of/],
  [
    'delivery',
    { delivery: 'newest' },
    /^delivery must be one of every-frame, latest, got "newest"$/,
  ],
  ['delivery', { delivery: undefined }, /^delivery must be one of .*, got none$/],
  ['maskEncoding', { maskEncoding: 'rle' }, /^maskEncoding must be one of coco-rle, png, /],
  ['overlap', { overlap: 'both' }, /^overlap must be one of disjoint, independent, got "both"$/],
])('a misspelt %s is an error that lists the valid ones: %j', async (_name, wrong, message) => {
  const connected = await start(echoSession);
  const misspelt = { ...config, ...wrong } as unknown as typeof config;
  expect(() => connected.segmentVideo(misspelt)).toThrow(
    expect.objectContaining({
      code: 'invalid-config',
      message: expect.stringMatching(message) as string,
    }) as Error,
  );
  // Nothing was opened for it.
  expect(server?.activeStreams).toBe(0);
});

test('a misspelt action or label is a refused prompt', async () => {
  const stream = (await start(echoSession)).segmentVideo(config);
  const update = { objectId: 1, action: 'grow' } as unknown as PromptOptions;
  await expect(stream.prompt(update)).rejects.toMatchObject({
    code: 'invalid-prompt',
    message: 'action must be one of add, refine, replace, remove, got "grow"',
  });
  const click = { objectId: 1, points: [{ x: 1, y: 1, label: 'on' }] } as unknown as PromptOptions;
  await expect(stream.prompt(click)).rejects.toThrow(PromptRejected);
  stream.end();
  expect(await drain(stream)).toHaveLength(2);
});

test('a mask without pixels is an error with a code', () => {
  expect(() => decodeMask({ width: 1, height: 1, data: undefined })).toThrow(
    expect.objectContaining({ code: 'undecodable-mask' }) as Error,
  );
});

beforeEach(() => {
  server = null;
  client = null;
});
