import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { inferenceMetrics } from '../../../src/server/metrics/inference-metrics.ts';

const call = {
  server: 'triton:8001',
  graph: 'encoder',
  outcome: 'ok',
  ms: 30,
  sentBytes: 400,
  receivedBytes: 900,
} as const;

const idle = () => [{ server: 'triton:8001', isOut: false, callsUnderWay: 0 }];

test('calls are counted by server, graph and outcome, from 0 on', async () => {
  const registry = new Registry();
  const metrics = inferenceMetrics(registry);
  metrics.watchInferenceServers({ graphs: ['encoder'], states: idle });
  metrics.inferenceCall(call);
  metrics.inferenceCall({ ...call, outcome: 'slow', ms: 10_000, receivedBytes: 0 });
  const text = await registry.metrics();
  const labels = 'server="triton:8001",graph="encoder"';
  for (const [outcome, count] of Object.entries({ ok: 1, slow: 1, gone: 0, odd: 0, refused: 0 })) {
    expect(text).toContain(
      `maskstream_inference_calls_total{${labels},outcome="${outcome}"} ${count}`,
    );
  }
  // What was not answered took as long as we waited.
  expect(text).toContain(`maskstream_inference_call_seconds_count{${labels}} 1`);
  expect(text).toContain(`maskstream_inference_call_seconds_bucket{le="0.025",${labels}} 0`);
  expect(text).toContain(`maskstream_inference_call_seconds_bucket{le="0.05",${labels}} 1`);
  expect(text).toContain(`maskstream_inference_sent_bytes_total{${labels}} 800`);
  expect(text).toContain(`maskstream_inference_received_bytes_total{${labels}} 900`);
});

test('how servers stand is asked for when somebody looks', async () => {
  const registry = new Registry();
  const metrics = inferenceMetrics(registry);
  expect(await registry.metrics()).not.toContain('maskstream_inference_server_out{');
  let isOut = false;
  const states = () => [{ server: 'triton:8001', isOut, callsUnderWay: isOut ? 0 : 3 }];
  metrics.watchInferenceServers({ graphs: ['encoder'], states });
  const before = await registry.metrics();
  expect(before).toContain('maskstream_inference_server_out{server="triton:8001"} 0');
  expect(before).toContain('maskstream_inference_calls_under_way{server="triton:8001"} 3');
  isOut = true;
  const after = await registry.metrics();
  expect(after).toContain('maskstream_inference_server_out{server="triton:8001"} 1');
  expect(after).toContain('maskstream_inference_calls_under_way{server="triton:8001"} 0');
});
