import type { Meter } from '@opentelemetry/api';
import {
  inferenceSeconds,
  type InferenceServers,
  type QueueName,
  type ServerMetrics,
  stageSeconds,
} from '../server-metrics.ts';

/** From an image to a camera's week. */
const callSeconds = [0.1, 0.5, 2, 10, 60, 600, 3600, 21_600, 86_400, 604_800];

/** Counts for OpenTelemetry what the metrics port counts, under names with dots. */
export function createMeters(meter: Meter): ServerMetrics {
  return {
    ...callMeters(meter),
    ...frameMeters(meter),
    ...inferenceMeters(meter),
    ...observed(meter),
  };
}

function callMeters(
  meter: Meter,
): Pick<ServerMetrics, 'callOpened' | 'callEnded' | 'refused' | 'prompt' | 'workerRestarted'> {
  const active = meter.createUpDownCounter('maskstream.calls.active', { unit: '{call}' });
  const ended = meter.createCounter('maskstream.calls', { unit: '{call}' });
  const duration = meter.createHistogram('maskstream.call.duration', {
    unit: 's',
    advice: { explicitBucketBoundaries: callSeconds },
  });
  const refusals = meter.createCounter('maskstream.refusals', { unit: '{refusal}' });
  const prompts = meter.createCounter('maskstream.prompts', { unit: '{prompt}' });
  const restarts = meter.createCounter('maskstream.worker.restarts', { unit: '{restart}' });
  return {
    callOpened: (kind) => active.add(1, { kind }),
    callEnded: (kind, { code, ms }) => {
      active.add(-1, { kind });
      ended.add(1, { kind, code });
      duration.record(ms / 1000, { kind });
    },
    refused: (reason) => refusals.add(1, { reason }),
    prompt: (answer) => prompts.add(1, { answer }),
    workerRestarted: (worker) => restarts.add(1, { worker }),
  };
}

function frameMeters(meter: Meter): Pick<ServerMetrics, 'frame' | 'summary' | 'notice'> {
  const count = (name: string) => meter.createCounter(name, { unit: '{frame}' });
  const received = count('maskstream.frames.received');
  const answered = count('maskstream.frames.answered');
  const dropped = count('maskstream.frames.dropped');
  const keyframes = count('maskstream.keyframes');
  const stage = meter.createHistogram('maskstream.stage.duration', {
    unit: 's',
    advice: { explicitBucketBoundaries: [...stageSeconds] },
  });
  const notices = meter.createCounter('maskstream.notices', { unit: '{notice}' });
  return {
    frame: ({ framesDroppedBefore, keyframeReason, timings }) => {
      answered.add(1);
      received.add(1 + framesDroppedBefore);
      dropped.add(framesDroppedBefore);
      if (keyframeReason !== null) keyframes.add(1, { reason: keyframeReason });
      for (const [name, us] of Object.entries(timings)) {
        if (us > 0) stage.record(us / 1e6, { stage: name });
      }
    },
    summary: ({ framesIn, framesDropped }, counted) => {
      received.add(Math.max(0, framesIn - counted.framesReceived));
      dropped.add(Math.max(0, framesDropped - counted.framesDropped));
    },
    notice: (notice) => notices.add(1, { notice }),
  };
}

function inferenceMeters(
  meter: Meter,
): Pick<ServerMetrics, 'inferenceCall' | 'watchInferenceServers'> {
  const calls = meter.createCounter('maskstream.inference.calls', { unit: '{call}' });
  const duration = meter.createHistogram('maskstream.inference.call.duration', {
    unit: 's',
    advice: { explicitBucketBoundaries: [...inferenceSeconds] },
  });
  const sent = meter.createCounter('maskstream.inference.sent', { unit: 'By' });
  const received = meter.createCounter('maskstream.inference.received', { unit: 'By' });
  return {
    inferenceCall: ({ server, graph, outcome, ms, sentBytes, receivedBytes }) => {
      calls.add(1, { server, graph, outcome });
      if (outcome === 'ok') duration.record(ms / 1000, { server, graph });
      sent.add(sentBytes, { server, graph });
      received.add(receivedBytes, { server, graph });
    },
    watchInferenceServers: ({ states }: InferenceServers) => {
      meter
        .createObservableGauge('maskstream.inference.calls.active', { unit: '{call}' })
        .addCallback((result) => {
          for (const { server, callsUnderWay } of states())
            result.observe(callsUnderWay, { server });
        });
      meter
        .createObservableGauge('maskstream.inference.server.out', { unit: '1' })
        .addCallback((result) => {
          for (const { server, isOut } of states()) result.observe(isOut ? 1 : 0, { server });
        });
    },
  };
}

function observed(meter: Meter): Pick<ServerMetrics, 'watchQueue' | 'watchLoad'> {
  const queues = new Map<QueueName, () => number>();
  meter
    .createObservableGauge('maskstream.queue.length', { unit: '{job}' })
    .addCallback((result) => {
      for (const [queue, length] of queues) result.observe(length(), { queue });
    });
  return {
    watchQueue: (name, length) => void queues.set(name, length),
    watchLoad: (total) => {
      meter
        .createObservableGauge('maskstream.load', { unit: '{core}' })
        .addCallback((result) => result.observe(total().load));
      meter
        .createObservableGauge('maskstream.pixels_per_second', { unit: '{pixel}/s' })
        .addCallback((result) => result.observe(total().pixelsPerSecond));
    },
  };
}
