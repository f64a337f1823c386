// Makes what a client's own package holds beside its sources: the build with what it needs of the
// rest, the .proto files and the licence. `npm pack ./clients/typescript` runs it, and
// `npm pack ./clients/publisher`.
//
//   node scripts/client-package.mjs FOLDER [--remove]

import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const client = join(root, process.argv[2]);

for (const made of ['dist', 'proto', 'LICENSE']) {
  rmSync(join(client, made), { recursive: true, force: true });
}
if (!process.argv.includes('--remove')) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', client], { stdio: 'inherit' });
  cpSync(join(root, 'proto'), join(client, 'proto'), { recursive: true });
  copyFileSync(join(root, 'LICENSE'), join(client, 'LICENSE'));
}
