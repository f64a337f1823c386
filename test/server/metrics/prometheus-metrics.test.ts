import { expect, test } from 'vitest';
import type { FrameResult } from '../../../src/pipeline/session-types.ts';
import { createPrometheusMetrics } from '../../../src/server/metrics/prometheus-metrics.ts';
import { masksEvent } from '../../fixtures/scripted-session.ts';

function frame(index: number, changes: Partial<FrameResult> = {}): FrameResult {
  const event = masksEvent(index);
  if (event.kind !== 'masks') throw new Error('expected masks');
  return { ...event.result, ...changes };
}

/** The samples of one metric, by their labels. */
async function read(
  { text }: { readonly text: () => Promise<string> },
  metric: string,
): Promise<Record<string, number>> {
  const samples: Record<string, number> = {};
  for (const line of (await text()).split('\n')) {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === metric) samples[labels] = Number(value);
  }
  return samples;
}

test('frames, drops, keyframes, stages and confidence are counted as frames are answered', async () => {
  const prometheus = createPrometheusMetrics();
  const { metrics } = prometheus;
  metrics.frame(frame(0));
  metrics.frame(frame(4, { framesDroppedBefore: 3 }));
  // Five more were decoded after the last answer, two of which were left out.
  const totals = { framesOut: 2, keyframes: 1, encoderRuns: 1, truncated: false, stages: [] };
  const counted = { framesReceived: 5, framesDropped: 3 };
  metrics.summary({ ...totals, framesIn: 10, framesDropped: 5 }, counted);

  expect(await read(prometheus, 'maskstream_frames_received_total')).toEqual({ '': 10 });
  expect(await read(prometheus, 'maskstream_frames_answered_total')).toEqual({ '': 2 });
  expect(await read(prometheus, 'maskstream_frames_dropped_total')).toEqual({ '': 5 });
  expect(await read(prometheus, 'maskstream_keyframes_total')).toMatchObject({
    'reason="prompt"': 1,
    'reason="scene-cut"': 0,
  });
  const stages = await read(prometheus, 'maskstream_stage_seconds_count');
  expect(stages).toMatchObject({ 'stage="total"': 2, 'stage="encode"': 0 });
  const seconds = await read(prometheus, 'maskstream_stage_seconds_sum');
  expect(seconds['stage="total"']).toBeCloseTo(14e-6, 9);
  expect(await read(prometheus, 'maskstream_mask_confidence_bucket')).toMatchObject({
    'le="0.4"': 0,
    'le="0.5"': 2,
  });
});

test('calls, refusals, prompts and queues have their labels, from 0 on where they are few', async () => {
  const prometheus = createPrometheusMetrics();
  const { metrics } = prometheus;
  expect(await read(prometheus, 'maskstream_refusals_total')).toMatchObject({
    'reason="too-many-streams"': 0,
  });
  metrics.callOpened('video');
  metrics.callOpened('video');
  metrics.callEnded('video', { code: 'undecodable-video', ms: 1500 });
  metrics.refused('too-many-streams');
  metrics.prompt('accepted');
  metrics.prompt('invalid-prompt');
  metrics.workerRestarted('tracker');
  let waiting = 3;
  metrics.watchQueue('encoder', () => waiting);
  expect(await read(prometheus, 'maskstream_streams')).toMatchObject({ 'kind="video"': 1 });
  expect(await read(prometheus, 'maskstream_calls_total')).toMatchObject({
    'kind="video",code="ok"': 0,
    'kind="video",code="undecodable-video"': 1,
  });
  expect(await read(prometheus, 'maskstream_call_duration_seconds_bucket')).toMatchObject({
    'le="0.5",kind="video"': 0,
    'le="2",kind="video"': 1,
  });
  expect(await read(prometheus, 'maskstream_refusals_total')).toMatchObject({
    'reason="too-many-streams"': 1,
  });
  expect(await read(prometheus, 'maskstream_prompts_total')).toEqual({
    'answer="accepted"': 1,
    'answer="invalid-prompt"': 1,
  });
  expect(await read(prometheus, 'maskstream_worker_restarts_total')).toMatchObject({
    'worker="tracker"': 1,
    'worker="encoder"': 0,
  });
  expect(await read(prometheus, 'maskstream_queue_length')).toMatchObject({
    'queue="encoder"': 3,
    'queue="mask"': 0,
  });
  waiting = 0;
  expect(await read(prometheus, 'maskstream_queue_length')).toMatchObject({ 'queue="encoder"': 0 });
});

test('memory is told by model, worker and device, and booked memory when somebody looks', async () => {
  const prometheus = createPrometheusMetrics();
  const objects = { maxBytes: 100, takenBytes: 0 };
  const workers = [
    { worker: 'encoder', devices: 'cuda:0', fileBytes: 5 },
    { worker: 'encoder', devices: 'cuda:1', fileBytes: 5 },
    { worker: 'decoder', devices: 'cuda:1, cpu', fileBytes: 2 },
  ];
  prometheus.watchMemory({ name: 'big', residentBytes: 77, workers }, objects);
  expect(await read(prometheus, 'maskstream_model_file_bytes')).toEqual({
    'model="big",worker="encoder-0",devices="cuda:0"': 5,
    'model="big",worker="encoder-1",devices="cuda:1"': 5,
    'model="big",worker="decoder-0",devices="cuda:1, cpu"': 2,
  });
  expect(await read(prometheus, 'maskstream_model_resident_bytes')).toEqual({ 'model="big"': 77 });
  objects.takenBytes = 42;
  const text = await prometheus.text();
  expect(text).toContain('maskstream_object_memory_bytes 42');
  expect(text).toContain('maskstream_object_memory_max_bytes 100');
});
