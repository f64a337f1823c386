// Bundles the live page into dist/web: two entry points and what they load on demand.
//
//   node scripts/build-web.mjs

import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const from = join(root, 'clients/web');
const to = join(root, 'dist/web');

mkdirSync(to, { recursive: true });
await build({
  entryPoints: [join(from, 'main.ts'), join(from, 'worker/worker.ts')],
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  outdir: to,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  sourcemap: false,
  logLevel: 'warning',
});
for (const name of ['index.html', 'style.css', 'favicon.svg']) {
  copyFileSync(join(from, name), join(to, name));
}
