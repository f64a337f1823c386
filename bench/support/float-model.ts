import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/** A folder with a model; `dispose` removes it. */
type ModelFolder = AsyncDisposable & { readonly directory: string };

/**
 * The embedded model without its graphs in integers: another model as far as cost is concerned, whose
 * keyframes take three times as long.
 */
export async function floatModel(): Promise<ModelFolder> {
  const from = join(packageRoot(), 'models/maskstream-tiny');
  const directory = await mkdtemp(join(tmpdir(), 'maskstream-float-'));
  for (const file of await readdir(from)) await symlink(join(from, file), join(directory, file));
  const path = join(directory, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as {
    name: string;
    graphs: Record<string, { quantised?: unknown }>;
  };
  await rm(path);
  for (const graph of Object.values(manifest.graphs)) delete graph.quantised;
  await writeFile(path, JSON.stringify({ ...manifest, name: 'maskstream-tiny-float' }));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}
