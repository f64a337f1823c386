// Puts ONNX Runtime for Linux into vendor/, for `npm pack`: the library's own npm package downloads
// CUDA in its install script, on every Linux machine, and fails the install where it cannot. What is
// copied has no install script. `node scripts/vendor-runtime.mjs [--remove]`

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const platforms = ['linux/x64', 'linux/arm64'];

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'vendor/onnxruntime-node');
rmSync(join(root, 'vendor'), { recursive: true, force: true });
if (!process.argv.includes('--remove')) copyRuntime();

function copyRuntime() {
  const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const source = dirname(file);
  const { name, version, license, main, dependencies } = JSON.parse(readFileSync(file, 'utf8'));
  const ours = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const common = 'onnxruntime-common';
  if (ours.dependencies[common] !== dependencies[common]) {
    throw new Error(
      `package.json: expected ${common} ${dependencies[common]}, got ${ours.dependencies[common]}`,
    );
  }
  mkdirSync(target, { recursive: true });
  writeFileSync(
    join(target, 'package.json'),
    `${JSON.stringify({ name, version, license, main }, null, 2)}\n`,
  );
  cpSync(join(source, 'dist'), join(target, 'dist'), {
    recursive: true,
    filter: (path) => !/\.(map|d\.ts)$/.test(path),
  });
  for (const platform of platforms) {
    const folder = join('bin/napi-v6', platform);
    cpSync(join(source, folder), join(target, folder), { recursive: true });
  }
}
