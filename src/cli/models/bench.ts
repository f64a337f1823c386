import { loadManifest, measureModel, type ModelCost, type Precision } from '../../inference/index.ts';
import {
  chosenModel,
  chosenPlaces,
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
  const { graphs } = await loadManifest(directory);
  const hasQuantised = Object.values(graphs).some((graph) => graph?.quantised !== undefined);
  const costs: ModelCost[] = [];
  for (const place of chosenPlaces(action)) {
    const { provider, placement } = place;
    const precisions: Precision[] =
      provider === 'cpu' && placement === undefined && hasQuantised ? ['float32', 'quantised'] : ['float32'];
    for (const precision of precisions) {
      const options = { directory, ...place, precision, threads, runs, signal: io.signal };
      costs.push(await measureModel(options));
    }
  }
  if (args.flags.has('json')) {
    io.stdout.write(`${JSON.stringify({ version: 1, directory, runs, threads, costs }, null, 2)}\n`);
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
  ]);
  io.stdout.write(`${costs[0]?.name ?? directory}, ${threads} threads, ${runs} runs\n`);
  const header = ['provider', 'precision', 'load ms', 'first ms', 'encoder p50 / p95 ms'];
  header.push('decoder p50 / p95 ms', 'memory MB', 'state MB an object');
  io.stdout.write(textTable(header, rows));
}
