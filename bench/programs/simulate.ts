import { readFileSync } from 'node:fs';
import { usageError } from '../../src/frame/errors.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import type { ClusterEvent, ClusterOptions } from '../support/capacity/cluster.ts';
import { costsFile, type StreamCosts } from '../support/capacity/costs.ts';
import type { PoolCosts } from '../support/capacity/inference-pool.ts';
import { measuredLoads, type MeasuredLoad } from '../support/capacity/measured-load.ts';
import { simulateLoad, type SimulatedLoad } from '../support/capacity/simulate-load.ts';
import { cell, markdownTable } from '../support/markdown-table.ts';

/*
 * Simulates cameras on servers, event by event, from the costs that `npm run bench capacity -- --out`
 * measured: how old answers are and how many frames are dropped, as clusters grow and as things go
 * wrong. With `--measured`, what `npm run bench cameras -- --out` measured stands beside it.
 *
 *   npm run bench simulate -- --costs FILE [options]
 *
 *   --costs FILE      a file of `bench capacity`
 *   --stream NAME     which of its cameras. Default: 1280x720, 2 objects
 *   --measured FILE   compare with these instead of simulating clusters
 *   --cameras LIST    clusters of so many cameras. Default: 1,10,100,10000
 *   --per-replica N   cameras a server. Default: 3
 *   --cores N         of one server. Default: 2
 *   --seconds S       of each run, of which two are left out at the start. Default: 8
 *   --inference LIST  network ms, run ms, ms an item, most in a batch of an inference server.
 *                     Default: 2,3,4,8
 *   --per-inference N cameras an inference server. Default: 40
 *   --seed N          Default: 2026
 */

const options = readBenchOptions({
  costs: '',
  stream: '1280x720, 2 objects',
  measured: '',
  cameras: '1,10,100,10000',
  'per-replica': '3',
  cores: '2',
  seconds: '8',
  inference: '2,3,4,8',
  'per-inference': '40',
  seed: '2026',
});

/** Frames of the last moments are still in work when a run ends. */
const tailSeconds = 0.5;
const warmUpSeconds = 2;
const seconds = options.number('seconds');
const costs = readCosts();
if (options.text('measured') === '') simulateClusters();
else compare(measuredLoads.parse(readJson(options.text('measured'))));

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function readCosts(): StreamCosts {
  const file = options.text('costs');
  if (file === '') throw usageError('expected --costs FILE, which `npm run bench capacity` writes');
  const { streams } = costsFile.parse(readJson(file));
  const found = streams.find(({ name }) => name === options.text('stream'));
  if (found !== undefined) return found;
  const names = streams.map(({ name }) => `"${name}"`).join(', ');
  throw usageError(`--stream: expected one of ${names}, got "${options.text('stream')}"`);
}

/** One server, whose clients share its machine as in `bench cameras`. */
function compare(measured: readonly MeasuredLoad[]): void {
  const rows = measured.map((load) => {
    const simulated = simulateLoad(
      clusterOf({ cameras: load.cameras, replicas: 1, costs, arrivalSeconds: 0 }),
      { fromSeconds: warmUpSeconds, toSeconds: seconds - tailSeconds },
    );
    const pairs = [
      [load.p50Ms, simulated.p50Ms, 0],
      [load.p95Ms, simulated.p95Ms, 0],
      [load.droppedShare * 100, simulated.droppedShare * 100, 0],
      [load.keyframesPerAnswer, simulated.keyframesPerAnswer, 3],
    ] as const;
    const errorP95 = (simulated.p95Ms / load.p95Ms - 1) * 100;
    const errorDrops = (simulated.droppedShare - load.droppedShare) * 100;
    return [
      String(load.cameras),
      ...pairs.map(([was, is, digits]) => `${cell(was, digits)} / ${cell(is, digits)}`),
      `${cell(errorP95, 0)} %`,
      cell(errorDrops, 0),
    ];
  });
  console.log(`${costs.name}, ${options.number('cores')} cores; measured / simulated\n`);
  const columns =
    'cameras,p50 ms,p95 ms,dropped %,keyframes an answer,error of p95,error of drops in points';
  console.log(markdownTable(columns.split(','), rows));
}

function simulateClusters(): void {
  const rows: string[][] = [];
  const events: readonly ClusterEvent[] = ['none', 'scene-cut', 'replica-lost', 'rolling-upgrade'];
  for (const cameras of options.numbers('cameras')) {
    const replicas = Math.max(1, Math.ceil(cameras / options.number('per-replica')));
    const servers = Math.max(1, Math.ceil(cameras / options.number('per-inference')));
    for (const inference of [0, servers]) {
      const happenings = inference > 0 ? [...events, 'inference-server-lost' as const] : events;
      for (const event of happenings) rows.push(row({ cameras, replicas, inference, event }));
    }
  }
  console.log(
    `${costs.name}, servers of ${options.number('cores')} cores, seed ${options.text('seed')};`,
  );
  console.log('frames captured in the two seconds after the event\n');
  const columns =
    'cameras,servers,inference servers,event,p50 ms,p95 ms,dropped %,keyframes an answer,cores busy a server,inference servers busy';
  console.log(markdownTable(columns.split(','), rows));
}

function row(at: {
  readonly cameras: number;
  readonly replicas: number;
  readonly inference: number;
  readonly event: ClusterEvent;
}): string[] {
  const { cameras, replicas, inference, event } = at;
  const eventAtSeconds = seconds / 2;
  const load: SimulatedLoad = simulateLoad(
    {
      // Clients are elsewhere.
      ...clusterOf({ cameras, replicas, costs: { ...costs, clientMs: 0 }, arrivalSeconds: 1 }),
      pool: inference === 0 ? null : { servers: inference, costs: poolCosts() },
      event,
      eventAtSeconds,
    },
    { fromSeconds: eventAtSeconds, toSeconds: eventAtSeconds + 2 },
  );
  return [
    String(cameras),
    String(replicas),
    inference === 0 ? '-' : String(inference),
    event,
    cell(load.p50Ms, 0),
    cell(load.p95Ms, 0),
    cell(load.droppedShare * 100, 1),
    cell(load.keyframesPerAnswer, 3),
    cell(load.coresBusy, 2),
    cell(load.inferenceServersBusy, 1),
  ];
}

function poolCosts(): PoolCosts {
  const [networkMs = 0, runMs = 0, perItemMs = 0, maxBatch = 1] = options.numbers('inference');
  return { networkMs, runMs, perItemMs, maxBatch, failoverMs: 100 };
}

function clusterOf(
  given: Pick<ClusterOptions, 'cameras' | 'replicas' | 'costs' | 'arrivalSeconds'>,
): ClusterOptions {
  return {
    ...given,
    cores: options.number('cores'),
    pool: null,
    seconds,
    event: 'none',
    eventAtSeconds: seconds,
    seed: options.number('seed'),
  };
}
