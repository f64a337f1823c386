import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type Box,
  NoticeKind,
  PromptKind,
  type PromptOptions,
  type VideoConfig,
} from '../../clients/typescript/index.ts';
import { emptyMask } from '../../src/frame/mask.ts';
import { encodeCocoRle } from '../../src/frame/coco-rle.ts';
import {
  changedConfig,
  chunkMessage,
  configMessage,
  exchange,
  rawClient,
} from '../fixtures/raw-call.ts';
import { encoders, ffmpeg, makeClip, temporaryPath } from '../fixtures/encoded-clips.ts';
import { expectIntact, runStream } from '../fixtures/run-stream.ts';
import { noiseBytes } from '../fixtures/noise-bytes.ts';
import { startServer, type TestServer } from '../fixtures/start-server.ts';

const frames = 12;
const width = 160;
const height = 120;
const size = `${width}x${height}`;
const config: VideoConfig = { container: 'mp4', delivery: 'every-frame' };
const box: Box = { x: 40, y: 30, width: 60, height: 50 };

let system: TestServer;
let mp4: Buffer;

beforeAll(async () => {
  system = await startServer({ maxObjects: 3, retainedFrames: 4, maxFramePixels: 1 << 20 });
  const encode = `${encoders.h264} -movflags frag_keyframe+empty_moov`;
  mp4 = await readFile(await makeClip({ encode, extension: 'mp4', size, frames }));
});

afterAll(() => system[Symbol.asyncDispose]());

// Whatever a test did: nothing is left of it, and the next stream is served in full.
afterEach(() => expectIntact(system, config, { video: mp4, frames }));

describe('messages', () => {
  const cases = [
    ['no config first', [chunkMessage()], 'config-out-of-order'],
    ['two configs', [configMessage, configMessage], 'config-out-of-order'],
    ['an empty message', [configMessage, undefined], 'malformed-message'],
    ['a chunk over the limit', [configMessage, chunkMessage(2 ** 20 + 1)], 'chunk-too-large'],
    ['an unknown model', [changedConfig({ model: 'nobody' })], 'unknown-model'],
    ['an empty stream', [configMessage], 'empty-stream'],
  ] as const;

  test.each(cases)('%s ends the stream with its code, after a summary', async (_, sent, code) => {
    const client = rawClient(system.port);
    const { responses, status } = await exchange(client, sent);
    client.close();
    expect(status.metadata.get('maskstream-error-code')).toEqual([code]);
    expect(responses.at(-1)?.$case).toBe('summary');
  });

  test('results before a wrong message are delivered', async () => {
    const client = rawClient(system.port);
    const video = { $case: 'chunk' as const, value: { data: mp4, randomAccess: false } };
    const end = { $case: 'endOfVideo' as const, value: {} };
    const { responses, status } = await exchange(client, [configMessage, video, end, end]);
    client.close();
    expect(status.metadata.get('maskstream-error-code')).toEqual(['malformed-message']);
    expect(responses.at(-1)).toMatchObject({ $case: 'summary' });
  });
});

describe('video', () => {
  test.each(['mp4', 'h264-annex-b', 'mpeg-ts', 'matroska', 'ivf'] as const)(
    'random bytes as %s are INVALID_ARGUMENT',
    async (container) => {
      const stream = system.client.segmentVideo({ ...config, container });
      const { failure, summary } = await runStream(stream, noiseBytes(300_000));
      expect(failure).toMatchObject({ status: 'INVALID_ARGUMENT' });
      expect(summary).toMatchObject({ framesOut: 0 });
    },
  );

  test('another container than declared is INVALID_ARGUMENT', async () => {
    const stream = system.client.segmentVideo({ ...config, container: 'matroska' });
    const { failure } = await runStream(stream, mp4);
    expect(failure).toMatchObject({ status: 'INVALID_ARGUMENT', code: 'undecodable-video' });
  });

  test('a codec outside the list is INVALID_ARGUMENT and named', async () => {
    const encode = '-c:v ffv1';
    const clip = await readFile(await makeClip({ encode, extension: 'mkv', size, frames }));
    const stream = system.client.segmentVideo({ ...config, container: 'matroska' });
    const { failure } = await runStream(stream, clip);
    expect(failure).toMatchObject({ status: 'INVALID_ARGUMENT', code: 'unsupported-codec' });
    expect(failure?.message).toContain('ffv1');
  });

  test('a truncated file is OK, with a notice and truncated in the summary', async () => {
    const clip = await readFile(
      await makeClip({ encode: encoders.h264, extension: 'mkv', size, frames: 60 }),
    );
    const stream = system.client.segmentVideo({ ...config, container: 'matroska' });
    const outcome = await runStream(stream, clip.subarray(0, Math.floor(clip.length * 0.6)));
    expect(outcome.failure).toBeNull();
    expect(outcome.frames.length).toBeGreaterThan(10);
    expect(outcome.frames.length).toBeLessThan(60);
    expect(outcome.summary?.truncated).toBe(true);
    const kinds = outcome.notices.map((notice) => notice.kind);
    expect(kinds).toContain(NoticeKind.NOTICE_KIND_TRUNCATED_INPUT);
  });

  test('absurd dimensions are refused before they are decoded', async () => {
    const path = temporaryPath('absurd.jpg');
    await ffmpeg(['-f', 'lavfi', '-i', `testsrc2=s=${size}`, '-frames:v', '1', path]);
    const jpeg = await readFile(path);
    const frameHeader = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    jpeg.writeUInt16BE(16_000, frameHeader + 5);
    jpeg.writeUInt16BE(16_000, frameHeader + 7);
    const stream = system.client.segmentVideo({ ...config, container: 'mjpeg', frameRate: 30 });
    const { failure, frames: answered } = await runStream(stream, jpeg);
    // By ffmpeg's parser or by its pixel limit, as the build has it.
    expect(['undecodable-video', 'frame-too-large']).toContain(failure?.code);
    expect(answered).toEqual([]);
  });

  test('a picture above the limit is RESOURCE_EXHAUSTED', async () => {
    const encode = `${encoders.h264} -movflags frag_keyframe+empty_moov`;
    const large = await makeClip({ encode, extension: 'mp4', size: '1536x1024', frames: 3 });
    const { failure } = await runStream(system.client.segmentVideo(config), await readFile(large));
    expect(failure).toMatchObject({ status: 'RESOURCE_EXHAUSTED', code: 'frame-too-large' });
  });

  test('a size other than expected ends the stream', async () => {
    const stream = system.client.segmentVideo({ ...config, width: 320, height: 240 });
    const { failure } = await runStream(stream, mp4);
    expect(failure).toMatchObject({ status: 'INVALID_ARGUMENT', code: 'size-mismatch' });
  });
});

describe('prompts', () => {
  const at = { frameIndex: 0 };
  const wrongSize = emptyMask({ width: 64, height: 64 });
  const mask = {
    width: 64,
    height: 64,
    data: {
      $case: 'cocoRle' as const,
      value: {
        counts: encodeCocoRle({
          ...wrongSize,
          box: { x: 0, y: 0, width: 1, height: 1 },
          bits: Uint8Array.of(1),
          area: 1,
        }),
      },
    },
  };
  const good: PromptOptions = { objectId: 1, at, box };
  type Refused = [name: string, prompt: PromptOptions, code: string, message: RegExp];
  const refused: Refused[] = [
    [
      'a point of NaN',
      { objectId: 12, at, points: [{ x: Number.NaN, y: 1 }] },
      'invalid-prompt',
      /finite/,
    ],
    [
      'an infinite point',
      { objectId: 13, at, points: [{ x: 1, y: -Infinity }] },
      'invalid-prompt',
      /finite/,
    ],
    ['a box of no area', { objectId: 14, at, box: { ...box, width: 0 } }, 'invalid-prompt', /area/],
    ['ADD of a known id', good, 'duplicate-object', /1/],
    [
      'REFINE of an unknown one',
      { objectId: 17, at, box, action: 'refine' },
      'unknown-object',
      /1\d/,
    ],
    [
      'REPLACE of an unknown one',
      { objectId: 18, at, box, action: 'replace' },
      'unknown-object',
      /1\d/,
    ],
    ['REMOVE of an unknown one', { objectId: 19, at, action: 'remove' }, 'unknown-object', /1\d/],
    [
      'a frame that never comes',
      { objectId: 20, at: { frameIndex: 999 }, box },
      'frame-never-came',
      /12 frames/,
    ],
  ];
  // Known only once the first frame is; until then each holds a place.
  const outOfFrame: Refused[] = [
    [
      'a point right of the picture',
      { objectId: 1, at, points: [{ x: width, y: 1 }] },
      'invalid-prompt',
      /160 x 120/,
    ],
    [
      'a box beside the picture',
      { objectId: 2, at, box: { ...box, x: width } },
      'invalid-prompt',
      /overlap/,
    ],
    [
      'a mask of the wrong size',
      { objectId: 3, at, mask },
      'invalid-prompt',
      /160 x 120, got 64 x 64/,
    ],
  ];

  test('are refused one by one while the stream goes on', async () => {
    const stream = system.client.segmentVideo(config);
    const prompts = [good, ...refused.map(([, prompt]) => prompt)];
    const { acks, frames: answered, failure } = await runStream(stream, mp4, prompts);
    expect(failure).toBeNull();
    expect(answered).toHaveLength(frames);
    expect(answered.every(({ objects }) => objects.length === 1)).toBe(true);
    expect(acks[0]).toMatchObject({ status: 'fulfilled', value: { frameIndex: 0 } });
    expectRefused(acks.slice(1), refused);
  });

  test('out of the frame are refused when its size is known', async () => {
    const prompts = outOfFrame.map(([, prompt]) => prompt);
    const { acks, frames: answered } = await runStream(
      system.client.segmentVideo(config),
      mp4,
      prompts,
    );
    expect(answered.flatMap(({ objects }) => objects)).toEqual([]);
    expectRefused(acks, outOfFrame);
  });

  function expectRefused(acks: PromiseSettledResult<unknown>[], expected: Refused[]): void {
    expect(acks).toHaveLength(expected.length);
    for (const [index, [name, , code, message]] of expected.entries()) {
      const ack = acks[index];
      expect({ name, ...ack }).toMatchObject({ name, status: 'rejected', reason: { code } });
      expect(String(ack?.status === 'rejected' && ack.reason)).toMatch(message);
    }
  }

  test('of words that the model does not know are refused', async () => {
    const text = { phrase: 'xylophone' };
    const stream = system.client.segmentVideo(config);
    const { acks, failure } = await runStream(stream, mp4, [{ objectId: 1, at, text }]);
    expect(failure).toBeNull();
    const [model] = await system.client.listModels();
    const hasText = model?.promptKinds.includes(PromptKind.PROMPT_KIND_TEXT) ?? false;
    const code = hasText ? 'unknown-word' : 'unsupported-prompt';
    expect(acks).toMatchObject([{ status: 'rejected', reason: { code } }]);
  });

  test('beyond the objects that a stream may have are refused', async () => {
    const stream = system.client.segmentVideo({ ...config, keyframes: { fixedInterval: 100 } });
    const prompts = [1, 2, 3, 4].map((objectId) => ({ objectId, at, box }));
    const { acks, frames: answered } = await runStream(stream, mp4, prompts);
    expect(acks.map((ack) => ack.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
    expect(acks[3]).toMatchObject({ reason: { code: 'too-many-objects' } });
    expect(answered[0]?.objects).toHaveLength(3);
  });

  test('for a frame that is no longer held get the range that is', async () => {
    const stream = system.client.segmentVideo(config);
    await stream.sendChunk(mp4);
    stream.endOfVideo();
    let late: Promise<unknown> | null = null;
    for await (const result of stream) {
      if (result.kind === 'masks' && result.masks.frameIndex === frames - 1) {
        late = stream.prompt(good);
        stream.end();
      }
    }
    await expect(late).rejects.toMatchObject({ code: 'frame-not-held' });
    await expect(late).rejects.toThrow(/8/);
  });
});
