import { type Scrape, sum } from './scrape.ts';

/** What a server did between two looks. Rates are per second; null: nothing to divide by. */
export type Overview = {
  readonly ready: boolean;
  readonly streams: number;
  readonly maxStreams: number;
  readonly images: number;
  readonly framesPerSecond: number;
  readonly droppedPerSecond: number;
  readonly keyframesPerSecond: number;
  /** Time of a frame from decoded to answered, in milliseconds. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly meanConfidence: number | null;
  readonly waiting: Readonly<Record<'encoder' | 'refiner' | 'tracker' | 'mask', number>>;
  /** Inference servers that run graphs of the model; null where it needs none. */
  readonly inference: InferenceOverview | null;
  /** Since the server started. */
  readonly callsFailed: number;
  readonly refused: number;
  readonly workerRestarts: number;
  readonly residentMiB: number;
  /** Processors in use, decoders left out. */
  readonly processors: number;
  /** How late the thread is that speaks gRPC, 99th percentile. */
  readonly eventLoopMs: number;
};

type InferenceOverview = {
  readonly servers: number;
  /** Those that get probes in place of calls. */
  readonly out: number;
  readonly callsUnderWay: number;
  readonly callsPerSecond: number;
  /** Since the server started, those left out that were given up here. */
  readonly callsFailed: number;
};

/** What happened between two scrapes, the older one first. */
export function overviewOf(before: Scrape, now: Scrape): Overview {
  const seconds = Math.max(1e-3, (now.atMs - before.atMs) / 1000);
  const grown = (name: string, labels = {}) => sum(now, name, labels) - sum(before, name, labels);
  const rate = (name: string) => grown(name) / seconds;
  const stage = (ratio: number) => {
    const quantile = quantileBetween(before, now, ratio);
    return quantile === null ? null : quantile * 1000;
  };
  const masks = grown('maskstream_mask_confidence_count');
  const waiting = (queue: string) => sum(now, 'maskstream_queue_length', { queue });
  const calls = sum(now, 'maskstream_calls_total');
  const fine = sum(now, 'maskstream_calls_total', { code: 'ok' });
  return {
    ready: sum(now, 'maskstream_ready') > 0,
    streams: sum(now, 'maskstream_streams', { kind: 'video' }),
    maxStreams: sum(now, 'maskstream_max_streams'),
    images: sum(now, 'maskstream_streams', { kind: 'image' }),
    framesPerSecond: rate('maskstream_frames_answered_total'),
    droppedPerSecond: rate('maskstream_frames_dropped_total'),
    keyframesPerSecond: rate('maskstream_keyframes_total'),
    p50Ms: stage(0.5),
    p95Ms: stage(0.95),
    meanConfidence: masks > 0 ? grown('maskstream_mask_confidence_sum') / masks : null,
    waiting: {
      encoder: waiting('encoder'),
      refiner: waiting('refiner'),
      tracker: waiting('tracker'),
      mask: waiting('mask'),
    },
    inference: inferenceOf(before, now, seconds),
    callsFailed: calls - fine,
    refused: sum(now, 'maskstream_refusals_total'),
    workerRestarts: sum(now, 'maskstream_worker_restarts_total'),
    residentMiB: sum(now, 'process_resident_memory_bytes') / 1024 ** 2,
    processors: rate('process_cpu_seconds_total'),
    eventLoopMs: sum(now, 'nodejs_eventloop_lag_p99_seconds') * 1000,
  };
}

function inferenceCalls(look: Scrape, labels: { readonly outcome?: string } = {}): number {
  return sum(look, 'maskstream_inference_calls_total', labels);
}

function inferenceOf(before: Scrape, now: Scrape, seconds: number): InferenceOverview | null {
  const servers = now.samples.filter(({ name }) => name === 'maskstream_inference_server_out');
  if (servers.length === 0) return null;
  const unfailed =
    inferenceCalls(now, { outcome: 'ok' }) + inferenceCalls(now, { outcome: 'cancelled' });
  return {
    servers: servers.length,
    out: servers.filter(({ value }) => value > 0).length,
    callsUnderWay: sum(now, 'maskstream_inference_calls_under_way'),
    callsPerSecond: (inferenceCalls(now) - inferenceCalls(before)) / seconds,
    callsFailed: inferenceCalls(now) - unfailed,
  };
}

/** As Prometheus' histogram_quantile: linear within a bucket. */
function quantileBetween(before: Scrape, now: Scrape, ratio: number): number | null {
  const name = 'maskstream_stage_seconds_bucket';
  const buckets = now.samples
    .filter((sample) => sample.name === name && sample.labels['stage'] === 'total')
    .map(({ labels, value }) => {
      const le = labels['le'] ?? '+Inf';
      const earlier = sum(before, name, { stage: 'total', le });
      return { upTo: le === '+Inf' ? Infinity : Number(le), count: value - earlier };
    })
    .toSorted((a, b) => a.upTo - b.upTo);
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return null;
  let below = { upTo: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= ratio * total) {
      if (bucket.upTo === Infinity) return below.upTo;
      const share = (ratio * total - below.count) / Math.max(1, bucket.count - below.count);
      return below.upTo + share * (bucket.upTo - below.upTo);
    }
    below = bucket;
  }
  return null;
}

const ms = (value: number | null) => (value === null ? '-' : `${value.toFixed(0)} ms`);

/** Rows of a table: what it is, and its value. */
export function rowsOf(overview: Overview): readonly (readonly [string, string])[] {
  const { inference, waiting } = overview;
  return [
    ['state', overview.ready ? 'takes streams' : 'takes no new streams'],
    ['streams', `${overview.streams} of ${overview.maxStreams}, images ${overview.images}`],
    [
      'frames a second',
      `${overview.framesPerSecond.toFixed(1)}, dropped ${overview.droppedPerSecond.toFixed(1)}`,
    ],
    ['keyframes a second', overview.keyframesPerSecond.toFixed(2)],
    ['time of a frame', `p50 ${ms(overview.p50Ms)}, p95 ${ms(overview.p95Ms)}`],
    ['mean confidence', overview.meanConfidence?.toFixed(3) ?? '-'],
    [
      'jobs that wait',
      `encoder ${waiting.encoder}, refiner ${waiting.refiner}, tracker ${waiting.tracker}, masks ${waiting.mask}`,
    ],
    ...(inference === null ? [] : [inferenceRow(inference)]),
    [
      'since its start',
      `calls failed ${overview.callsFailed}, refused ${overview.refused}, workers restarted ${overview.workerRestarts}`,
    ],
    ['memory', `${overview.residentMiB.toFixed(0)} MiB`],
    [
      'processors',
      `${overview.processors.toFixed(2)}, event loop ${ms(overview.eventLoopMs)} late`,
    ],
  ];
}

function inferenceRow(inference: InferenceOverview): readonly [string, string] {
  const { servers, out, callsPerSecond, callsUnderWay, callsFailed } = inference;
  const calls = `${callsPerSecond.toFixed(1)} calls a second, ${callsUnderWay} under way`;
  return [
    'inference servers',
    `${servers - out} of ${servers} answer, ${calls}, failed ${callsFailed}`,
  ];
}
