import { afterEach, expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import { SegmentationError } from '../../src/frame/errors.ts';
import { createServer, type MaskstreamServer, type OpenSession } from '../../src/server/index.ts';
import { silentMetrics } from '../../src/server/server-metrics.ts';
import { readToEnd } from '../fixtures/run-stream.ts';
import {
  echoSession,
  infoEvent,
  masksEvent,
  scripted,
  scriptedModel,
} from '../fixtures/scripted-session.ts';

type Line = { readonly level: string; readonly message: string; readonly [field: string]: unknown };

let server: MaskstreamServer;
let client: ReturnType<typeof connect>;
const lines: Line[] = [];
const counted: string[] = [];

async function start(open: OpenSession): Promise<void> {
  lines.length = 0;
  counted.length = 0;
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, ...fields });
  server = createServer({
    sessions: scripted(open),
    models: [scriptedModel],
    limits: { maxStreams: 1 },
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    metrics: {
      ...silentMetrics,
      callOpened: (kind) => void counted.push(`${kind} opened`),
      callEnded: (kind, { code }) => void counted.push(`${kind} ${code}`),
      refused: (reason) => void counted.push(`refused ${reason}`),
    },
  });
  client = connect(`127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`);
}

afterEach(async () => {
  client.close();
  await server.close();
});

const config = { container: 'mp4', delivery: 'latest' } as const;

test('a stream has one line for its opening and one for its end, which says what it was', async () => {
  await start(echoSession);
  const stream = client.segmentVideo(config);
  await stream.sendChunk(new Uint8Array([1]));
  await stream.sendChunk(new Uint8Array([2]));
  stream.end();
  expect((await readToEnd(stream)).failure).toBeNull();
  await expect.poll(() => server.activeStreams).toBe(0);
  const ofCalls = lines.filter(({ message }) => message.startsWith('call'));
  expect(ofCalls).toEqual([
    {
      level: 'info',
      message: 'call opened',
      call: 1,
      kind: 'video',
      peer: expect.any(String),
      principal: 'anyone',
    },
    {
      level: 'info',
      message: 'call ended',
      call: 1,
      kind: 'video',
      peer: ofCalls[0]?.peer,
      principal: 'anyone',
      code: 'ok',
      durationMs: expect.any(Number),
      model: 'scripted',
      container: 'mp4',
      delivery: 'latest',
      framesIn: 2,
      framesOut: 2,
      framesDropped: 0,
      keyframes: 1,
    },
  ]);
  expect(counted).toEqual(['video opened', 'video ok']);
});

test('a fault of the server is an error in the log, with its cause', async () => {
  const cause = new Error('the disk is gone');
  await start(async function* (_, options) {
    yield infoEvent(options);
    yield masksEvent(0);
    throw new SegmentationError('decoder-failed', 'ffmpeg ended', { cause });
  });
  expect((await readToEnd(client.segmentVideo(config))).failure).toMatchObject({
    code: 'decoder-failed',
  });
  await expect.poll(() => lines.at(-1)?.message).toBe('call failed');
  expect(lines.at(-1)).toMatchObject({
    level: 'error',
    code: 'decoder-failed',
    framesOut: 1,
    err: { cause },
  });
  expect(counted).toEqual(['video opened', 'video decoder-failed']);
});

test('a call that gets no place is refused in one line, and counted apart', async () => {
  await start(echoSession);
  const first = client.segmentVideo(config);
  await expect.poll(() => server.activeStreams).toBe(1);
  expect((await readToEnd(client.segmentVideo(config))).failure).toMatchObject({
    code: 'too-many-streams',
  });
  expect(lines.at(-1)).toMatchObject({
    level: 'warn',
    message: 'call refused',
    kind: 'video',
    code: 'too-many-streams',
    reason: 'at most 1 streams at a time, got one more',
  });
  expect(counted).toEqual(['video opened', 'refused too-many-streams']);
  first.cancel();
  await readToEnd(first);
});

test('an image that cannot be used ends with one line too', async () => {
  await start(echoSession);
  const image = { image: new Uint8Array([1]), prompts: [{ objectId: 0, points: [] }] };
  await expect(client.segmentImage(image)).rejects.toMatchObject({ code: 'invalid-prompt' });
  await expect.poll(() => lines.at(-1)?.message).toBe('call ended');
  expect(lines.at(-1)).toMatchObject({ kind: 'image', code: 'invalid-prompt', level: 'info' });
  expect(counted).toEqual(['image opened', 'image invalid-prompt']);
});
