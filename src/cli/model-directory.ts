import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SegmentationError } from '../frame/errors.ts';
import { packageRoot } from '../package-root.ts';

/**
 * A folder with a manifest as given, or the name of a model in the package.
 *
 * Throws `model-load-failed`.
 */
export function modelDirectory(model: string): string {
  const candidates = [model, join(packageRoot(), 'models', model)];
  const found = candidates.find((folder) => existsSync(join(folder, 'manifest.json')));
  if (found !== undefined) return found;
  throw new SegmentationError(
    'model-load-failed',
    `expected a model name or a folder with manifest.json, got "${model}": looked in ${candidates.join(' and ')}`,
  );
}
