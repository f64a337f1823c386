import { loadManifest, maxMemoryBytes } from '../../inference/index.ts';
import { listModels } from '../../models/model-folders.ts';
import { presets } from '../../models/presets.ts';
import { textTable, type ModelAction } from './action.ts';

/** `maskstream models list` */
export async function listAllModels({ args, io, config }: ModelAction): Promise<void> {
  const models = await Promise.all(
    (await listModels(config.modelCache)).map(async (model) => ({
      ...model,
      ...(await describe(model.directory)),
    })),
  );
  const known = presets.map((preset) => ({
    name: preset.name,
    source: preset.source,
    repository: preset.repository,
    licence: preset.licence,
    tested: preset.tested,
    served: preset.served,
    pulled: models.some(({ name }) => name === preset.name),
  }));
  if (args.flags.has('json')) {
    io.stdout.write(`${JSON.stringify({ version: 1, models, presets: known }, null, 2)}\n`);
    return;
  }
  io.stdout.write(`Models here (cache folder: ${config.modelCache})\n`);
  const rows = models.map(({ name, from, layout, megabytes, objectBytes, problem, licence }) => [
    `  ${name}`,
    from,
    problem ?? `${layout}, ${megabytes} MB`,
    objectBytes === null ? '-' : `${(objectBytes / 1e6).toFixed(1)} MB`,
    shortened(licence),
  ]);
  const header = ['  name', 'from', 'layout, size', 'memory an object, at most', 'licence'];
  io.stdout.write(textTable(header, rows));
  io.stdout.write('\nPresets (maskstream models pull NAME)\n');
  for (const { name, repository, licence, source, tested, pulled } of known) {
    io.stdout.write(`  ${name}${pulled ? ' (pulled)' : ''}: ${source}\n`);
    io.stdout.write(`    ${repository}, ${licence}\n    ${tested}\n`);
  }
}

/** What a manifest says of its model; a broken one is listed with what is wrong. */
async function describe(directory: string): Promise<{
  readonly layout: string;
  readonly licence: string;
  readonly megabytes: number;
  /** Most bytes that it keeps of one object between keyframes; null where it keeps none. */
  readonly objectBytes: number | null;
  readonly problem: string | null;
}> {
  try {
    const { layout, licence, graphs, objectMemory } = await loadManifest(directory);
    const bytes = Object.values(graphs)
      .flatMap((graph) => (graph === undefined ? [] : [graph, ...graph.externalData]))
      .reduce((sum, file) => sum + file.bytes, 0);
    const objectBytes = objectMemory && maxMemoryBytes(objectMemory);
    const megabytes = Math.round(bytes / 1e6);
    return { layout, licence, megabytes, objectBytes, problem: null };
  } catch (reason) {
    const problem = reason instanceof Error ? reason.message : String(reason);
    return { layout: '', licence: '', megabytes: 0, objectBytes: null, problem };
  }
}

function shortened(text: string): string {
  return text.length > 50 ? `${text.slice(0, 49)}…` : text;
}
