import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect, PromptKind, type SegmentationClient } from '../../../clients/typescript/index.ts';
import { createServer, type MaskstreamServer } from '../../../src/server/index.ts';
import { echoSession, scripted, scriptedModel } from '../../fixtures/scripted-session.ts';

let server: MaskstreamServer;
let client: SegmentationClient;

beforeEach(async () => {
  server = createServer({ sessions: scripted(echoSession), models: [scriptedModel] });
  client = connect(`127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`);
});

afterEach(async () => {
  client.close();
  await server.close();
});

test('listModels describes the models', async () => {
  const [model] = await client.listModels();
  expect(model).toMatchObject({ name: 'scripted', provider: 'cpu', licence: 'Apache-2.0' });
  expect(model?.promptKinds).toEqual([
    PromptKind.PROMPT_KIND_POINTS,
    PromptKind.PROMPT_KIND_BOX,
    PromptKind.PROMPT_KIND_MASK,
  ]);
  expect(model?.selfTest?.iou).toBeCloseTo(0.97, 3);
});

test('segmentImage answers with the objects of the picture', async () => {
  const answer = await client.segmentImage({
    image: new Uint8Array([1]),
    prompts: [{ objectId: 1, points: [{ x: 3, y: 3 }] }],
  });
  expect(answer).toMatchObject({ width: 64, height: 48, model: 'scripted' });
  expect(answer.objects[0]).toMatchObject({ objectId: 1, label: 'dog', area: 64 });
});

test('segmentImage without prompts is INVALID_ARGUMENT', async () => {
  const answer = client.segmentImage({ image: new Uint8Array([1]), prompts: [] });
  await expect(answer).rejects.toMatchObject({
    status: 'INVALID_ARGUMENT',
    code: 'invalid-prompt',
  });
});
