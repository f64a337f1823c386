// Bundles the live page into dist/web: two programs, what they load on demand, and the style.
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
  entryPoints: ['main.ts', 'worker/worker.ts', 'style.css'].map((name) => join(from, name)),
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
for (const name of ['index.html', 'favicon.svg']) {
  copyFileSync(join(from, name), join(to, name));
}
