import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { usageError } from '../../frame/errors.ts';
import { verifyModel, writeManifest } from '../../inference/index.ts';
import type { ModelAction } from './action.ts';

/** `maskstream models add` */
export async function addModel(action: ModelAction): Promise<void> {
  const { subject } = action;
  if (subject === null) throw usageError('models add: expected a folder, got none');
  await addFolder(subject, action);
}

/**
 * Checks a model's folder by loading it; where it has no manifest, writes one first by what the graphs
 * have. A manifest stays where the self-test then fails, so that it can be mended.
 */
export async function addFolder(
  folder: string,
  { args, io }: Pick<ModelAction, 'args' | 'io'>,
): Promise<void> {
  const directory = resolve(folder);
  const isJson = args.flags.has('json');
  let family: string | null = null;
  if (!existsSync(join(directory, 'manifest.json'))) {
    const name = args.texts.get('name') ?? nameOf(directory);
    const licence = args.texts.get('licence') ?? 'not stated';
    ({ family } = await writeManifest(directory, { name, licence }));
    if (!isJson) {
      io.stdout.write(`recognised: ${family}\nwrote ${join(directory, 'manifest.json')}\n`);
      io.stdout.write('scores are taken as they come until `maskstream models calibrate` fits them\n');
    }
  }
  const { name, selfTestIou, loadMs } = await verifyModel({
    directory,
    provider: 'cpu',
    signal: io.signal,
  });
  if (isJson) {
    const report = { version: 1, name, directory, family, selfTestIou, loadMs };
    io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  io.stdout.write(
    `${name}: loads on cpu in ${(loadMs / 1000).toFixed(1)} s, self-test IoU ${selfTestIou.toFixed(3)}\n` +
      `serve it: maskstream serve --model ${directory}\n`,
  );
}

/** A folder's name as a model's. */
function nameOf(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  return name === '' ? 'model' : name;
}
