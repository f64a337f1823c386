import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SegmentationServiceClient } from '../../src/gen/maskstream/v1/segmentation_service.ts';
import { createServer, type MaskstreamServer } from '../../src/server/index.ts';
import {
  chunkMessage,
  configMessage,
  endMessage,
  exchange,
  rawClient,
} from '../fixtures/raw-call.ts';
import { echoSession, scripted, scriptedModel } from '../fixtures/scripted-session.ts';

let server: MaskstreamServer;
let client: SegmentationServiceClient;

beforeEach(async () => {
  server = createServer({ sessions: scripted(echoSession), models: [scriptedModel] });
  client = rawClient(await server.start({ host: '127.0.0.1', port: 0 }));
});

afterEach(async () => {
  client.close();
  await server.close();
});

test('a stream is answered with info, one message a frame, the summary, and OK', async () => {
  const chunks = Array.from({ length: 40 }, () => chunkMessage());
  const { responses, status: end } = await exchange(client, [configMessage, ...chunks, endMessage]);
  expect(end.code).toBe(status.OK);
  expect(responses.map((response) => response.$case)).toEqual([
    'info',
    ...chunks.map(() => 'masks'),
    'summary',
  ]);
});
