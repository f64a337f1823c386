import { Counter, Histogram, type Registry } from 'prom-client';
import type { KeyframeReason } from '../../frame/prompt.ts';
import { stages } from '../../pipeline/stage-clock.ts';
import { stageSeconds, type ServerMetrics } from '../server-metrics.ts';

const keyframeReasons: readonly KeyframeReason[] = [
  'prompt',
  'interval',
  'low-confidence',
  'scene-cut',
  'size-change',
  'resume',
];

const confidenceBuckets = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** Notices that begin at 0: what somebody may want to be told of. */
const countedNotices = [
  'overload',
  'decode-warning',
  'truncated-input',
  'worker-restarted',
  'inference-lost',
] as const;

type FrameMetrics = Pick<ServerMetrics, 'frame' | 'summary' | 'notice'>;

/** Counts what streams answer. */
export function frameMetrics(registry: Registry): FrameMetrics {
  const registers = [registry];
  const count = (name: string, help: string) => new Counter({ name, help, registers });
  const received = count('maskstream_frames_received_total', 'Frames that were decoded.');
  const answered = count('maskstream_frames_answered_total', 'Frames that were answered.');
  const dropped = count('maskstream_frames_dropped_total', 'Frames that LATEST left out.');
  const keyframes = new Counter({
    name: 'maskstream_keyframes_total',
    help: 'Answered frames on which the full model ran, by reason.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of keyframeReasons) keyframes.inc({ reason }, 0);
  const stage = new Histogram({
    name: 'maskstream_stage_seconds',
    help: 'Wall time of the stages of one frame; stages that did not run are left out.',
    labelNames: ['stage'],
    buckets: [...stageSeconds],
    registers,
  });
  for (const name of stages) stage.zero({ stage: name });
  const timers = stages.map((name) => [name, stage.labels(name)] as const);
  const confidence = new Histogram({
    name: 'maskstream_mask_confidence',
    help: 'Confidence of the masks that were sent.',
    buckets: confidenceBuckets,
    registers,
  });
  const notices = new Counter({
    name: 'maskstream_notices_total',
    help: 'Notices to clients; decode-warning says that parts of a video could not be decoded, inference-lost that no inference server answered.',
    labelNames: ['notice'],
    registers,
  });
  for (const notice of countedNotices) notices.inc({ notice }, 0);
  return {
    frame: ({ framesDroppedBefore, keyframeReason, timings, objects }) => {
      answered.inc();
      received.inc(1 + framesDroppedBefore);
      dropped.inc(framesDroppedBefore);
      if (keyframeReason !== null) keyframes.inc({ reason: keyframeReason });
      for (const [name, timer] of timers) {
        if (timings[name] > 0) timer.observe(timings[name] / 1e6);
      }
      for (const object of objects) {
        if (object.state !== 'pending') confidence.observe(object.confidence);
      }
    },
    summary: ({ framesIn, framesDropped }, counted) => {
      received.inc(Math.max(0, framesIn - counted.framesReceived));
      dropped.inc(Math.max(0, framesDropped - counted.framesDropped));
    },
    notice: (notice) => notices.inc({ notice }),
  };
}
