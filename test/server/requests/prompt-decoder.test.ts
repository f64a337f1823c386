import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SegmentationServiceClient } from '../../../src/gen/maskstream/v1/segmentation_service.ts';
import { createServer, type MaskstreamServer } from '../../../src/server/index.ts';
import {
  changedPrompt,
  chunkMessage,
  configMessage,
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

function click(x: number, y: number, label = 1) {
  return { points: [{ point: { x, y }, label }] };
}

function boxed(x: number, y: number, width: number, height: number) {
  return { box: { x, y, width, height } };
}

describe('prompts that are refused while the stream goes on', () => {
  const cases: [string, Message, string, string][] = [
    ['no action', changedPrompt({ action: 0 }), 'invalid-prompt', 'action must be'],
    [
      'object 0',
      changedPrompt({ objectId: 0 }),
      'invalid-prompt',
      'object_id must be 1..65535, got 0',
    ],
    ['object 65536', changedPrompt({ objectId: 65_536 }), 'invalid-prompt', 'got 65536'],
    ['nothing said', changedPrompt({ box: undefined }), 'invalid-prompt', 'got none of them'],
    [
      'a point of NaN',
      changedPrompt(click(Number.NaN, 1)),
      'invalid-prompt',
      'point must be finite',
    ],
    [
      'an infinite point',
      changedPrompt(click(1, Infinity)),
      'invalid-prompt',
      'point must be finite',
    ],
    ['a negative point', changedPrompt(click(-0.5, 1)), 'invalid-prompt', 'not negative'],
    ['a point without a label', changedPrompt(click(1, 1, 0)), 'invalid-prompt', 'label must be'],
    [
      'a label of a later version',
      changedPrompt(click(1, 1, 9)),
      'invalid-prompt',
      'label must be',
    ],
    [
      'a point without a position',
      changedPrompt({ points: [{ label: 1 }] }),
      'invalid-prompt',
      'got none',
    ],
    [
      'too many points',
      changedPrompt({ points: Array(4).fill(click(1, 1).points[0]) }),
      'invalid-prompt',
      'at most 3 points',
    ],
    [
      'a box of no area',
      changedPrompt(boxed(1, 1, 0, 5)),
      'invalid-prompt',
      'box must have an area',
    ],
    [
      'a box of negative height',
      changedPrompt(boxed(1, 1, 5, -5)),
      'invalid-prompt',
      'box must have an area',
    ],
    [
      'a box of NaN',
      changedPrompt(boxed(Number.NaN, 1, 5, 5)),
      'invalid-prompt',
      'box must be finite',
    ],
    [
      'an infinite box',
      changedPrompt(boxed(0, 0, Infinity, 5)),
      'invalid-prompt',
      'box must be finite',
    ],
    [
      'a mask without data',
      changedPrompt({ mask: { width: 4, height: 4 } }),
      'invalid-prompt',
      'got none',
    ],
    [
      'a mask of absurd size',
      changedPrompt({ mask: { ...squareMask(), width: 2 ** 31 } }),
      'invalid-prompt',
      'mask must have 1..3072 pixels',
    ],
    [
      'a damaged mask',
      changedPrompt({
        mask: { width: 4, height: 4, data: { $case: 'png', value: new Uint8Array(8) } },
      }),
      'invalid-prompt',
      'PNG',
    ],
    [
      'an empty mask',
      changedPrompt({
        mask: {
          width: 3,
          height: 3,
          data: { $case: 'cocoRle', value: { counts: Buffer.from('9') } },
        },
      }),
      'invalid-prompt',
      'pixels inside',
    ],
    [
      'REMOVE with prompts',
      changedPrompt({ action: 4 }),
      'invalid-prompt',
      'REMOVE takes no prompts',
    ],
    [
      'text for a model without',
      changedPrompt({ box: undefined, text: { phrase: 'dog' } }),
      'unsupported-prompt',
      'takes points, box, mask, got text',
    ],
    [
      'a label without end',
      changedPrompt({ label: 'x'.repeat(257) }),
      'invalid-prompt',
      'label must be at most',
    ],
  ];

  test.each(cases)('%s', async (_, message, code, details) => {
    const { responses, status: end } = await exchange(client, [
      configMessage,
      message,
      chunkMessage(),
    ]);
    expect(end.code).toBe(status.OK);
    const acks = responses.flatMap((response) =>
      response.$case === 'ack' ? [response.value] : [],
    );
    expect(acks).toHaveLength(1);
    expect(acks[0]).toMatchObject({ requestId: 5, objectIds: [], error: { code } });
    expect(acks[0]?.error?.message).toContain(details);
    expect(responses.filter((response) => response.$case === 'masks')).toHaveLength(1);
  });

  test('a valid prompt of every kind passes', async () => {
    const { responses } = await exchange(client, [
      configMessage,
      changedPrompt({ requestId: 1 }),
      changedPrompt({ requestId: 2, objectId: 65_535, box: undefined, ...click(63, 47, 2) }),
      changedPrompt({ requestId: 3, box: undefined, mask: squareMask() }),
      changedPrompt({ requestId: 4, box: undefined, action: 4 }),
    ]);
    const acks = responses.flatMap((response) =>
      response.$case === 'ack' ? [response.value] : [],
    );
    expect(acks.map((ack) => [ack.requestId, ack.error])).toEqual(
      [1, 2, 3, 4].map((requestId) => [requestId, undefined]),
    );
  });
});
