import { afterEach, expect, test } from 'vitest';
import { connect, type SegmentationClient } from '../../clients/typescript/index.ts';
import {
  createServer,
  type MaskstreamServer,
  namedToken,
  identifyByTokens,
  type PredictLoad,
  type ServerLimits,
} from '../../src/server/index.ts';
import { readToEnd } from '../fixtures/run-stream.ts';
import { echoSession, pictureSize, scripted, scriptedModel } from '../fixtures/scripted-session.ts';

let server: MaskstreamServer;
const clients: SegmentationClient[] = [];

/** A core for a million pixels a second. */
const predictLoad: PredictLoad = ({ size, frameRate }) =>
  (size.width * size.height * frameRate) / 1e6;

const identify = identifyByTokens([
  namedToken('gate', 'token of the gate'),
  namedToken('lab', 'token of the lab', { maxLoad: 2, maxObjects: 3 }),
]);

async function start(limits: Partial<ServerLimits>) {
  const models = [scriptedModel];
  server = createServer({ sessions: scripted(echoSession), models, limits, predictLoad, identify });
  const address = `127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`;
  return (name: string) => {
    const client = connect(address, { token: `token of the ${name}` });
    clients.push(client);
    return client;
  };
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});

const config = { container: 'mp4', delivery: 'latest', width: 1000, height: 1000 } as const;

test('a stream that does not fit is refused with what would, and when to come again', async () => {
  const as = await start({ maxLoad: 10 });
  using stream = as('gate').segmentVideo({ ...config, frameRate: 25 });
  const { failure } = await readToEnd(stream);
  expect(failure).toMatchObject({
    code: 'no-capacity',
    status: 'RESOURCE_EXHAUSTED',
    retryAfterMs: 5000,
  });
  expect(failure?.message).toContain('10 frames a second at 1000 x 1000');
});

test('the load of a stream that ends is given back', async () => {
  const as = await start({ maxLoad: 10 });
  const client = as('gate');
  for (let i = 0; i < 3; i++) {
    using stream = client.segmentVideo({ ...config, frameRate: 10 });
    await stream.sendChunk(Buffer.from('a frame'));
    stream.end();
    const { failure, frames } = await readToEnd(stream);
    expect(failure).toBeNull();
    expect(frames).toHaveLength(1);
  }
});

test('what the decoder finds replaces what was expected', async () => {
  const as = await start({ maxLoad: 10 });
  const client = as('gate');
  using first = client.segmentVideo({ ...config, frameRate: 9 });
  const events = first[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ kind: 'info' });
  // 64 x 48 in truth: there is room for another large one.
  using second = client.segmentVideo({ ...config, frameRate: 9 });
  second.end();
  expect((await readToEnd(second)).failure).toBeNull();
});

test('a video that is larger than its bound of pixels ends when that is seen', async () => {
  const { width, height } = pictureSize;
  const as = await start({ maxPixelsPerSecond: width * height * 30 - 1 });
  using stream = as('gate').segmentVideo({ ...config, width: 8, height: 8, frameRate: 10 });
  await stream.sendChunk(Buffer.from('a frame'));
  const { failure, summary } = await readToEnd(stream);
  expect(failure?.code).toBe('no-capacity');
  expect(summary).not.toBeNull();
});

test('each name has a share of its own, and what its token gives', async () => {
  const as = await start({ maxLoadPerClient: 10 });
  const wanted = { ...config, frameRate: 9 };
  using gate = as('gate').segmentVideo(wanted);
  gate.end();
  expect((await readToEnd(gate)).failure).toBeNull();
  using lab = as('lab').segmentVideo(wanted);
  const { failure } = await readToEnd(lab);
  expect(failure?.message).toContain('2.00 cores are left for lab');
});

test('a token’s bound of objects is what StreamInfo states', async () => {
  const as = await start({});
  for (const [name, maxObjects] of [
    ['gate', 32],
    ['lab', 3],
  ] as const) {
    using stream = as(name).segmentVideo({ ...config, frameRate: 1 });
    const next = await stream[Symbol.asyncIterator]().next();
    expect(next.value).toMatchObject({ info: { limits: { maxObjects } } });
  }
});
