import { readFileSync } from 'node:fs';
import { usageError } from '../../src/frame/errors.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import type { ClusterEvent, ClusterOptions } from '../support/capacity/cluster.ts';
import type { StreamCosts } from '../support/capacity/costs.ts';
import { fitCosts } from '../support/capacity/fit-costs.ts';
import type { PoolCosts } from '../support/capacity/inference-pool.ts';
import { readStreamCosts } from '../support/capacity/read-costs.ts';
import { measuredLoads, type MeasuredLoad } from '../support/capacity/measured-load.ts';
import { simulateLoad, type SimulatedLoad } from '../support/capacity/simulate-load.ts';
import { simulateShards } from '../support/capacity/simulate-shards.ts';
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
 *   --fit LIST        first fit speed and spread of the costs to the measured loads of so many cameras, none
 *                     of which is overloaded. Default: none, the costs as they are
 *   --cameras LIST    clusters of so many cameras, also with --measured. Default:
 *                     1,10,100,1000,10000 where nothing was measured
 *   --per-replica N   cameras a server. Default: 3
 *   --cores N         of one server. Default: 2
 *   --seconds S       of each run, of which two are left out at the start. Default: 8
 *   --inference LIST  network ms, run ms, ms an item, most in a batch of an inference server.
 *                     Default: 2,3,4,8
 *   --per-inference N cameras an inference server. Default: 40
 *   --calls N         calls there that a server has under way at a time. Default: 8
 *   --seed N          Default: 2026
 */

const options = readBenchOptions({
  costs: '',
  stream: '1280x720, 2 objects',
  measured: '',
  fit: '',
  cameras: '',
  'per-replica': '3',
  cores: '2',
  seconds: '8',
  inference: '2,3,4,8',
  'per-inference': '40',
  calls: '8',
  seed: '2026',
});

/** Frames of the last moments are still in work when a run ends. */
const tailSeconds = 0.5;
const warmUpSeconds = 2;
/** One server is simulated so often: a run of few cameras is short. */
const seedsOfOne = 5;
const seconds = options.number('seconds');
const loads = readMeasured();
const costs = fitted(readStreamCosts(options.text('costs'), options.text('stream')));
if (loads === null || options.text('cameras') !== '') simulateClusters();
else compare(loads);

function readMeasured(): readonly MeasuredLoad[] | null {
  const file = options.text('measured');
  return file === '' ? null : measuredLoads.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** With `--fit`: as dear, and as uneven, as the measured loads of few cameras show. */
function fitted(given: StreamCosts): StreamCosts {
  if (options.text('fit') === '') return given;
  const cameras = options.numbers('fit');
  const known = loads?.filter((load) => cameras.includes(load.cameras)) ?? [];
  if (known.length === 0) {
    throw usageError(`--fit: expected --measured with loads of ${cameras.join(', ')} cameras`);
  }
  const found = fitCosts(given, known, simulateOne);
  console.log(
    `fitted to ${cameras.join(', ')} cameras: work ${found.speed} times as dear, ` +
      `variation ${found.costs.variation}, error ${cell(found.error * 100, 0)} %`,
  );
  return found.costs;
}

/** One server, whose clients share its machine as in `bench cameras`; the mean of some seeds. */
function simulateOne(given: StreamCosts, cameras: number): MeasuredLoad {
  const runs = Array.from({ length: seedsOfOne }, (_, k) =>
    simulateLoad(
      {
        ...clusterOf({ cameras, replicas: 1, costs: given, arrivalSeconds: 0 }),
        seconds: seconds + tailSeconds,
        eventAtSeconds: seconds + tailSeconds,
        seed: options.number('seed') + k,
      },
      { fromSeconds: warmUpSeconds, toSeconds: seconds },
    ),
  );
  return {
    cameras,
    droppedShare: mean(runs.map((run) => run.droppedShare)),
    p50Ms: mean(runs.map((run) => run.p50Ms)),
    p95Ms: mean(runs.map((run) => run.p95Ms)),
    keyframesPerAnswer: mean(runs.map((run) => run.keyframesPerAnswer)),
  };
}

function compare(measured: readonly MeasuredLoad[]): void {
  const rows = measured.map((load) => {
    const simulated = simulateOne(costs, load.cameras);
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
  const sizes =
    options.text('cameras') === '' ? [1, 10, 100, 1000, 10_000] : options.numbers('cameras');
  const rows: string[][] = [];
  const events: readonly ClusterEvent[] = ['none', 'scene-cut', 'replica-lost', 'rolling-upgrade'];
  for (const cameras of sizes) {
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
  const load: SimulatedLoad = simulateShards(
    {
      // Clients are elsewhere.
      ...clusterOf({ cameras, replicas, costs: { ...costs, clientMs: 0 }, arrivalSeconds: 1 }),
      pool:
        inference === 0
          ? null
          : { servers: inference, costs: poolCosts(), maxCalls: options.number('calls') },
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
