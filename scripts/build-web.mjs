// Bundles the live page into dist/web: two programs, what they load on demand, and the style.
//
//   node scripts/build-web.mjs

import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { calledMethods, withoutUncalled } from './called-methods.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const from = join(root, 'clients/web');
const to = join(root, 'dist/web');

/** Files that ts-proto wrote. */
const isGenerated = /(^|[/\\])src[/\\]gen[/\\].*\.ts$/;

const options = {
  absWorkingDir: root,
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
};

mkdirSync(to, { recursive: true });
const { metafile } = await build({ ...options, write: false, metafile: true });
const read = (name) => readFileSync(join(root, name), 'utf8');
const bundled = Object.keys(metafile.inputs).filter((name) => !name.includes('node_modules'));
const called = calledMethods(
  bundled.filter((name) => !isGenerated.test(name)).map(read),
  bundled.filter((name) => isGenerated.test(name)).map(read),
);
await build({
  ...options,
  plugins: [
    {
      name: 'called methods only',
      setup: (bundling) => {
        bundling.onLoad({ filter: isGenerated }, ({ path }) => ({
          loader: 'ts',
          contents: withoutUncalled(readFileSync(path, 'utf8'), called),
        }));
      },
    },
  ],
});
for (const name of ['index.html', 'favicon.svg']) {
  copyFileSync(join(from, name), join(to, name));
}
