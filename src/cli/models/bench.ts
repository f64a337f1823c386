import { readCardMemory } from '../../card-memory.ts';
import { loadManifest, measureModel, precisionsOf, type ModelCost } from '../../inference/index.ts';
import {
  chosenModel,
  chosenPlaces,
  chosenPrecisions,
  agreementText,
  withoutLogits,
  countOption,
  textTable,
  type ModelAction,
} from './action.ts';

/** `maskstream models bench` */
export async function benchModel(action: ModelAction): Promise<void> {
  const { args, io, config } = action;
  const directory = chosenModel(action);
  const runs = countOption(args, 'runs', 20);
  const threads = countOption(args, 'threads', config.modelThreads);
  const there = precisionsOf(await loadManifest(directory));
  const costs: ModelCost[] = [];
  for (const place of chosenPlaces(action)) {
    for (const precision of chosenPrecisions(action, place, there)) {
      const timed = { threads, runs, readCards: readCardMemory, signal: io.signal };
      const options = { directory, ...place, precision, ...timed };
      const [reference] = costs;
      costs.push(await measureModel(reference === undefined ? options : { ...options, reference }));
    }
  }
  if (args.flags.has('json')) {
    io.stdout.write(`${JSON.stringify({ version: 1, directory, runs, threads, costs }, withoutLogits, 2)}\n`);
    return;
  }
  const rows = costs.map((cost) => [
    cost.provider,
    cost.precision,
    cost.loadMs.toFixed(0),
    cost.firstAnswerMs.toFixed(1),
    `${cost.encoder.p50.toFixed(1)} / ${cost.encoder.p95.toFixed(1)}`,
    `${cost.decoder.p50.toFixed(1)} / ${cost.decoder.p95.toFixed(1)}`,
    cost.residentMb.toFixed(0),
    cost.stateBytes === null ? '-' : (cost.stateBytes / 1e6).toFixed(2),
    agreementText(cost.agreement, 'the first row'),
  ]);
  io.stdout.write(`${costs[0]?.name ?? directory}, ${threads} threads, ${runs} runs\n`);
  const header = ['provider', 'precision', 'load ms', 'first ms', 'encoder p50 / p95 ms'];
  header.push('decoder p50 / p95 ms', 'memory MB', 'state MB an object');
  header.push('against the first');
  io.stdout.write(textTable(header, rows));
  io.stdout.write(`\n${workerTable(costs)}`);
}

/** What each worker holds, and what each card had more in use. */
function workerTable(costs: readonly ModelCost[]): string {
  const rows = costs.flatMap(({ precision, workers, cards }) => [
    ...workers.map(({ worker, devices, fileBytes, residentBytes }) => [
      precision,
      worker,
      devices,
      (fileBytes / 1e6).toFixed(1),
      residentBytes === null ? '-' : (residentBytes / 2 ** 20).toFixed(0),
    ]),
    ...(cards ?? []).map(({ card, mb }) => [precision, `card ${card}`, '', '', mb.toFixed(0)]),
  ]);
  return textTable(['precision', 'worker', 'on', 'files MB', 'memory MB once open'], rows);
}
