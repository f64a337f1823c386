import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SegmentationServiceClient } from '../../../src/gen/maskstream/v1/segmentation_service.ts';
import { createServer, type MaskstreamServer } from '../../../src/server/index.ts';
import {
  changedConfig,
  changedPrompt,
  chunkMessage,
  configMessage,
  endMessage,
  exchange,
  type Message,
  rawClient,
  squareMask,
} from '../../fixtures/raw-call.ts';
import { echoSession, scripted, scriptedModel } from '../../fixtures/scripted-session.ts';

let server: MaskstreamServer;
let client: SegmentationServiceClient;

beforeAll(async () => {
  server = createServer({
    sessions: scripted(echoSession),
    models: [scriptedModel],
    limits: { maxChunkBytes: 1000, maxFramePixels: 64 * 48, maxPoints: 3, maxObjects: 4 },
  });
  client = rawClient(await server.start({ host: '127.0.0.1', port: 0 }));
});

afterAll(async () => {
  client.close();
  await server.close();
});

describe('messages that end the stream, after results and summary', () => {
  const cases: [string, (Message | undefined)[], number, string][] = [
    [
      'no config first',
      [chunkMessage()],
      status.INVALID_ARGUMENT,
      'first message must be config, got video_chunk',
    ],
    [
      'a prompt first',
      [changedPrompt({})],
      status.INVALID_ARGUMENT,
      'first message must be config, got prompt_update',
    ],
    [
      'no message at all',
      [],
      status.INVALID_ARGUMENT,
      'first message must be config, got end of stream',
    ],
    ['an empty message first', [undefined], status.INVALID_ARGUMENT, 'got none of them'],
    [
      'two configs',
      [configMessage, chunkMessage(), configMessage],
      status.INVALID_ARGUMENT,
      'config must come once',
    ],
    ['an empty message', [configMessage, undefined], status.INVALID_ARGUMENT, 'got none of them'],
    [
      'a chunk over the limit',
      [configMessage, chunkMessage(1001)],
      status.RESOURCE_EXHAUSTED,
      'at most 1000 bytes, got 1001',
    ],
    [
      'a chunk after the end',
      [configMessage, endMessage, chunkMessage()],
      status.INVALID_ARGUMENT,
      'only prompt_update and frames_seen may follow',
    ],
    [
      'two ends',
      [configMessage, endMessage, endMessage],
      status.INVALID_ARGUMENT,
      'only prompt_update and frames_seen may follow',
    ],
    [
      'no container',
      [changedConfig({ container: 0 })],
      status.INVALID_ARGUMENT,
      'container must be declared',
    ],
    [
      'a container of a later version',
      [changedConfig({ container: 99 })],
      status.INVALID_ARGUMENT,
      '(1 H264_ANNEX_B, 2 HEVC_ANNEX_B, 3 MPEG_TS, 4 MP4, 5 MATROSKA, 6 WEBM, 7 IVF, 8 MJPEG, 9 AVI, 10 FLV, 11 MPEG_VIDEO), got 99, which is unknown',
    ],
    [
      'frames that were seen, where nobody asked',
      [configMessage, { $case: 'seen', value: { frameIndex: 1 } }],
      status.INVALID_ARGUMENT,
      'frames_seen needs StreamConfig.max_unseen_frames',
    ],
    [
      'a bound of unseen frames in LATEST',
      [changedConfig({ delivery: 2, maxUnseenFrames: 3 })],
      status.INVALID_ARGUMENT,
      'max_unseen_frames is for EVERY_FRAME, got 3',
    ],
    ['no delivery', [changedConfig({ delivery: 0 })], status.INVALID_ARGUMENT, 'delivery must be'],
    [
      'an unknown model',
      [changedConfig({ model: 'sam9' })],
      status.NOT_FOUND,
      'one of scripted, got "sam9"',
    ],
    [
      'an unknown mask encoding',
      [changedConfig({ maskEncoding: 77 })],
      status.INVALID_ARGUMENT,
      'mask_encoding',
    ],
    [
      'an unknown overlap rule',
      [changedConfig({ overlap: 77 })],
      status.INVALID_ARGUMENT,
      'overlap',
    ],
    [
      'a frame rate of NaN',
      [changedConfig({ frameRate: Number.NaN })],
      status.INVALID_ARGUMENT,
      'frame_rate',
    ],
    [
      'MJPEG without a frame rate',
      [changedConfig({ container: 8 })],
      status.INVALID_ARGUMENT,
      'frame_rate must be given',
    ],
    [
      'an absurd expected size',
      [changedConfig({ width: 100_000, height: 100_000 })],
      status.RESOURCE_EXHAUSTED,
      'at most 3072 pixels',
    ],
    ['an expected width of 0', [changedConfig({ width: 0 })], status.INVALID_ARGUMENT, 'above 0'],
    [
      'a fixed interval of 0',
      [changedConfig({ keyframes: { policy: { $case: 'fixedInterval', value: 0 } } })],
      status.INVALID_ARGUMENT,
      '1..1000, got 0',
    ],
    [
      'a fixed interval of 1001',
      [changedConfig({ keyframes: { policy: { $case: 'fixedInterval', value: 1001 } } })],
      status.INVALID_ARGUMENT,
      '1..1000, got 1001',
    ],
    [
      'crossed adaptive intervals',
      [
        changedConfig({
          keyframes: { policy: { $case: 'adaptive', value: { minInterval: 9, maxInterval: 3 } } },
        }),
      ],
      status.INVALID_ARGUMENT,
      'min_interval must be at most',
    ],
    [
      'a confidence above 1',
      [
        changedConfig({
          keyframes: { policy: { $case: 'adaptive', value: { minConfidence: 1.5 } } },
        }),
      ],
      status.INVALID_ARGUMENT,
      'min_confidence',
    ],
    [
      'a reference without a mask',
      [changedConfig({ resume: { objects: [{ objectId: 1, reference: { frameIndex: 0 } }] } })],
      status.INVALID_ARGUMENT,
      'the reference of object 1 must have a mask',
    ],
    [
      'a resumed object twice',
      [
        changedConfig({
          resume: {
            objects: [
              { objectId: 1, mask: squareMask() },
              { objectId: 1, mask: squareMask() },
            ],
          },
        }),
      ],
      status.INVALID_ARGUMENT,
      'got 1 twice',
    ],
  ];

  test.each(cases)('%s', async (_, messages, code, details) => {
    const answer = await exchange(client, messages);
    expect(answer.status.code).toBe(code);
    expect(answer.status.details).toContain(details);
    expect(answer.responses.at(-1)?.$case).toBe('summary');
    const chunks = messages.filter((message) => message?.$case === 'chunk');
    const masks = answer.responses.filter((response) => response.$case === 'masks');
    expect(masks.length).toBeLessThanOrEqual(chunks.length);
  });

  test('bytes that are no message', async () => {
    const path = '/maskstream.v1.SegmentationService/SegmentVideo';
    const call = client.makeBidiStreamRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
    );
    const ended = new Promise<{ code: number; details: string }>((resolve) =>
      call.on('status', resolve),
    );
    call.on('error', () => {});
    const answers: Buffer[] = [];
    call.on('data', (bytes: Buffer) => answers.push(bytes));
    call.write(Buffer.from([0x0a, 0xff, 0xff]));
    expect(await ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(answers).toHaveLength(1);
  });

  test('results before the error are delivered', async () => {
    const { responses } = await exchange(client, [
      configMessage,
      chunkMessage(),
      chunkMessage(),
      configMessage,
    ]);
    const kinds = responses.map((response) => response.$case);
    expect(kinds).toEqual(['info', 'masks', 'masks', 'summary']);
    const summary = responses.at(-1);
    expect(summary?.$case === 'summary' && summary.value.framesOut).toBe(2);
  });
});
