import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { QueueName, ServerMetrics } from '../server-metrics.ts';
import { frameMetrics } from './frame-metrics.ts';
import { inferenceMetrics } from './inference-metrics.ts';

/** What is known once the service is plugged together; labels of `maskstream_build_info`. */
export type BuildInfo = {
  readonly version: string;
  readonly model: string;
  readonly provider: string;
  readonly ffmpeg: string;
};

/** What a model took when it was loaded. */
export type ModelMemory = {
  readonly name: string;
  readonly residentBytes: number;
  readonly workers: readonly {
    readonly worker: string;
    readonly devices: string;
    readonly fileBytes: number;
  }[];
};

/** What models may keep of all objects, and what is booked of it. */
export type ObjectMemory = { readonly maxBytes: number; readonly takenBytes: number };

/** Bounds that are stated beside what they bound. */
export type DescribedLimits = {
  readonly maxStreams: number;
  /** In cores; null: none. */
  readonly maxLoad: number | null;
};

/** Metrics in a registry of their own. */
export type PrometheusMetrics = {
  readonly metrics: ServerMetrics;
  /** Says once what runs here and how much it takes. */
  describe(build: BuildInfo, limits: DescribedLimits): void;
  /** Says what holds memory: each model worker, and all objects, asked for when somebody looks. */
  watchMemory(model: ModelMemory, objects: ObjectMemory): void;
  /** Whether new streams are taken. */
  setReady(isReady: boolean): void;
  readonly contentType: string;
  /** Prometheus' text format. */
  readonly text: () => Promise<string>;
};

/** From an image to a camera's week. */
const callBuckets = [0.1, 0.5, 2, 10, 60, 600, 3600, 21_600, 86_400, 604_800];

/**
 * Counts for Prometheus. Whatever has few labels begins at 0, so that a rate is there before the
 * first event.
 */
export function createPrometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const calls = callMetrics(registry);
  const frames = frameMetrics(registry);
  const inference = inferenceMetrics(registry);
  const queues = new Map<QueueName, () => number>();
  const registers = [registry];
  const waiting = new Gauge({
    name: 'maskstream_queue_length',
    help: 'Jobs that wait for a worker thread.',
    labelNames: ['queue'],
    registers,
    collect() {
      for (const [queue, length] of queues) this.set({ queue }, length());
    },
  });
  for (const queue of ['encoder', 'decoder', 'refiner', 'tracker', 'mask'])
    waiting.set({ queue }, 0);
  const restarts = new Counter({
    name: 'maskstream_worker_restarts_total',
    help: 'Worker threads that died or hung and were replaced.',
    labelNames: ['worker'],
    registers,
  });
  for (const worker of ['encoder', 'decoder', 'refiner', 'tracker']) restarts.inc({ worker }, 0);
  const build = new Gauge({
    name: 'maskstream_build_info',
    help: 'What runs here; always 1.',
    labelNames: ['version', 'model', 'provider', 'ffmpeg'],
    registers,
  });
  const maxStreams = new Gauge({
    name: 'maskstream_max_streams',
    help: 'Most streams and images at a time.',
    registers,
  });
  const maxLoad = new Gauge({
    name: 'maskstream_max_load',
    help: 'Most predicted work of all streams, in cores; +Inf where there is no bound.',
    registers,
  });
  let demand: Parameters<ServerMetrics['watchLoad']>[0] = noDemand;
  const pixels = new Gauge({
    name: 'maskstream_pixels_per_second',
    help: 'Pixels of all videos in a second, as stated or seen.',
    registers,
    collect() {
      this.set(demand().pixelsPerSecond);
    },
  });
  pixels.set(0);
  const load = new Gauge({
    name: 'maskstream_load',
    help: 'Predicted work of the streams that are served, in cores.',
    registers,
    collect() {
      this.set(demand().load);
    },
  });
  load.set(0);
  const ready = new Gauge({
    name: 'maskstream_ready',
    help: '1 while new streams are taken.',
    registers,
  });
  return {
    metrics: {
      ...calls,
      ...frames,
      ...inference,
      workerRestarted: (worker) => restarts.inc({ worker }),
      watchQueue: (name, length) => void queues.set(name, length),
      watchLoad: (total) => void (demand = total),
    },
    describe: (info, limits) => {
      build.set({ ...info }, 1);
      maxStreams.set(limits.maxStreams);
      maxLoad.set(limits.maxLoad ?? Infinity);
    },
    watchMemory: (model, objects) => watchMemory(registry, model, objects),
    setReady: (isReady) => ready.set(isReady ? 1 : 0),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function watchMemory(registry: Registry, model: ModelMemory, objects: ObjectMemory): void {
  const registers = [registry];
  const files = new Gauge({
    name: 'maskstream_model_file_bytes',
    help: 'Bytes of the graphs that each worker opened; workers of one kind are numbered.',
    labelNames: ['model', 'worker', 'devices'],
    registers,
  });
  model.workers.forEach(({ worker, devices, fileBytes }, i) => {
    const before = model.workers.slice(0, i).filter((other) => other.worker === worker).length;
    files.set({ model: model.name, worker: `${worker}-${before}`, devices }, fileBytes);
  });
  const resident = new Gauge({
    name: 'maskstream_model_resident_bytes',
    help: 'What resident memory of the process grew by while the model was loaded and tested.',
    labelNames: ['model'],
    registers,
  });
  resident.set({ model: model.name }, model.residentBytes);
  const booked = new Gauge({
    name: 'maskstream_object_memory_bytes',
    help: 'What the model may keep of the objects that are alive.',
    registers,
    collect() {
      this.set(objects.takenBytes);
    },
  });
  booked.set(objects.takenBytes);
  const most = new Gauge({
    name: 'maskstream_object_memory_max_bytes',
    help: 'What it may keep of all objects; one that goes beyond is refused.',
    registers,
  });
  most.set(objects.maxBytes);
}
const noDemand = () => ({ load: 0, pixelsPerSecond: 0 });

type CallMetrics = Pick<ServerMetrics, 'callOpened' | 'callEnded' | 'refused' | 'prompt'>;

function callMetrics(registry: Registry): CallMetrics {
  const registers = [registry];
  const active = new Gauge({
    name: 'maskstream_streams',
    help: 'Calls that are being served.',
    labelNames: ['kind'],
    registers,
  });
  const ended = new Counter({
    name: 'maskstream_calls_total',
    help: 'Calls that were served, by how they ended: ok or an error code.',
    labelNames: ['kind', 'code'],
    registers,
  });
  const duration = new Histogram({
    name: 'maskstream_call_duration_seconds',
    help: 'How long calls took from their opening to their status.',
    labelNames: ['kind'],
    buckets: callBuckets,
    registers,
  });
  const refusals = new Counter({
    name: 'maskstream_refusals_total',
    help: 'Calls and connections that were turned away before anything was done for them, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const prompts = new Counter({
    name: 'maskstream_prompts_total',
    help: 'Prompts of videos by their answer: accepted or an error code.',
    labelNames: ['answer'],
    registers,
  });
  for (const kind of ['video', 'image']) {
    active.set({ kind }, 0);
    ended.inc({ kind, code: 'ok' }, 0);
    duration.zero({ kind });
  }
  for (const reason of [
    'too-many-streams',
    'no-capacity',
    'unauthenticated',
    'too-many-connections',
  ]) {
    refusals.inc({ reason }, 0);
  }
  prompts.inc({ answer: 'accepted' }, 0);
  return {
    callOpened: (kind) => active.inc({ kind }),
    callEnded: (kind, { code, ms }) => {
      active.dec({ kind });
      ended.inc({ kind, code });
      duration.observe({ kind }, ms / 1000);
    },
    refused: (reason) => refusals.inc({ reason }),
    prompt: (answer) => prompts.inc({ answer }),
  };
}
