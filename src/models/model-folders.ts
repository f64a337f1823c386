import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SegmentationError } from '../frame/errors.ts';
import { packageRoot } from '../package-root.ts';

/** A folder with a manifest. */
export type ModelFolder = {
  readonly name: string;
  readonly directory: string;
  /** Whether it came with the package, or was pulled or added. */
  readonly from: 'package' | 'cache';
};

/** Where models are kept that were pulled, unless a setting says otherwise. */
export function defaultModelCache(): string {
  return join(home(), '.cache', 'maskstream', 'models');
}

/** A container's user may be a number that nobody has named; then its home is the root, as Docker says. */
function home(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}

/** Models of the package, then those of the cache folder, each by name. */
export async function listModels(cache: string): Promise<ModelFolder[]> {
  const inside = async (folder: string, from: ModelFolder['from']): Promise<ModelFolder[]> => {
    const names = await readdir(folder).catch((): string[] => []);
    return names
      .toSorted()
      .map((name) => ({ name, directory: join(folder, name), from }))
      .filter(({ directory }) => existsSync(join(directory, 'manifest.json')));
  };
  const packaged = join(packageRoot(), 'models');
  return [...(await inside(packaged, 'package')), ...(await inside(cache, 'cache'))];
}

/**
 * A folder with a manifest as given, or the name of a model in the package or the cache folder.
 *
 * Throws `model-load-failed`.
 */
export function modelDirectory(model: string, cache: string): string {
  const candidates = [model, join(packageRoot(), 'models', model), join(cache, model)];
  const found = candidates.find((folder) => existsSync(join(folder, 'manifest.json')));
  if (found !== undefined) return found;
  throw new SegmentationError(
    'model-load-failed',
    `expected a model name or a folder with manifest.json, got "${model}": looked in ${candidates.join(', ')}`,
  );
}
