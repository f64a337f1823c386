import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { scrape, sum } from '../../src/cli/watch/scrape.ts';
import { startEncoderServer } from '../fixtures/encoder-server.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { serveWith } from '../fixtures/inference-servers.ts';
import { runStream } from '../fixtures/run-stream.ts';

test('what inference servers are asked, and which is out, is told by the metrics port', async () => {
  await using first = await startEncoderServer();
  await using second = await startEncoderServer();
  await using service = await serveWith([first, second], { MASKSTREAM_METRICS_PORT: '0' });
  const { host } = new URL(service.service.metricsAddress!);
  const look = () => scrape(host, new AbortController().signal);
  const out = async (server: string) =>
    sum(await look(), 'maskstream_inference_server_out', { server });

  const started = await look();
  const { length: answered } = [...first.runs, ...second.runs];
  expect(sum(started, 'maskstream_inference_calls_total', { outcome: 'ok' })).toBe(answered);
  expect(await out(first.address)).toBe(0);

  first.kill();
  const clip = await makeClip({ encode: encoders.h264, extension: 'ts', size: '160x120' });
  const prompt = { objectId: 1, box: { x: 40, y: 30, width: 60, height: 50 } };
  const config = {
    container: 'mpeg-ts',
    delivery: 'every-frame',
    keyframes: { fixedInterval: 5 },
  } as const;
  const stream = service.client.segmentVideo(config);
  expect((await runStream(stream, await readFile(clip), [prompt])).failure).toBeNull();

  const now = await look();
  const count = (server: string, outcome: string) =>
    sum(now, 'maskstream_inference_calls_total', { server, graph: 'encoder', outcome });
  expect(count(first.address, 'gone')).toBe(1);
  expect(count(second.address, 'ok')).toBe(second.runs.length);
  expect(second.runs.length).toBeGreaterThanOrEqual(4);
  const to = { server: second.address, graph: 'encoder' };
  const sentBytes = sum(now, 'maskstream_inference_sent_bytes_total', to);
  // Each picture has 384 x 384 pixels of three float32.
  expect(sentBytes / second.runs.length / (4 * 3 * 384 * 384)).toBeCloseTo(1, 2);
  expect(await out(first.address)).toBe(1);
  expect(await out(second.address)).toBe(0);

  await using again = await startEncoderServer(first.port);
  await expect.poll(() => out(again.address), { timeout: 10_000 }).toBe(0);
}, 60_000);
