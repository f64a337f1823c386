// Makes what the client's own package holds beside its sources: the build with the messages it
// needs, the .proto files and the licence. `npm pack ./clients/typescript` runs it.
//
//   node scripts/client-package.mjs [--remove]

import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const client = join(root, 'clients/typescript');

for (const made of ['dist', 'proto', 'LICENSE']) {
  rmSync(join(client, made), { recursive: true, force: true });
}
if (!process.argv.includes('--remove')) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', client], { stdio: 'inherit' });
  cpSync(join(root, 'proto'), join(client, 'proto'), { recursive: true });
  copyFileSync(join(root, 'LICENSE'), join(client, 'LICENSE'));
}
